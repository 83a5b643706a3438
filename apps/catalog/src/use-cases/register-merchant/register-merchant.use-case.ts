// An operator admits a merchant.
import type { Problem } from '@gravity/contracts';
import { type Clock, type Result, newUuid, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import { CLOCK, Outbox } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { merchantRegistered } from '../../events';
import { insertMerchant } from '../../storage/merchant.repository';
import { merchantView } from '../../views';
import type { MerchantView } from '../../views.dto';
import type { RegisterMerchantBody } from './register-merchant.dto';

@Injectable()
export class RegisterMerchant {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Outbox) private readonly outbox: Outbox,
  ) {}

  /** Never refused. */
  async execute(tx: Tx, body: RegisterMerchantBody): Promise<Result<MerchantView, Problem>> {
    const row = { id: newUuid(this.clock), name: body.name, version: 1, createdAtMs: this.clock.nowMs() };
    await insertMerchant(tx.manager, row);
    await this.outbox.append(tx, [merchantRegistered(row)]);
    return ok(merchantView(row));
  }
}
