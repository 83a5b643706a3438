// The operations on merchants.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Clock, ok, type Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, found, seesAllOf } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { Merchant } from './merchant';
import { MerchantsRepository } from './merchants.repository';

@Injectable()
export class MerchantsService {
  constructor(
    private readonly merchants: MerchantsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Admits a merchant. */
  async register(tx: Tx, name: string): Promise<Result<Merchant, Problem>> {
    const merchant = Merchant.register(name, this.clock);
    await this.merchants.add(tx, merchant);
    return ok(merchant);
  }

  /** One merchant; a merchant sees only itself. Refusal: `not-found`. */
  async get(caller: CallerIdentity, id: string): Promise<Result<Merchant, Problem>> {
    return found('merchant', id, await this.merchants.find(id), (merchant) => seesAllOf(caller, merchant.id));
  }
}
