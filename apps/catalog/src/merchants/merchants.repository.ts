// Merchants in their table, by TypeORM: this path is not hot.
import type { Tx } from '@gravity/persistence';
import { Database } from '@gravity/persistence';
import { Outbox } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { EntitySchema } from 'typeorm';
import { timeColumn } from '../columns';
import { Merchant } from './merchant';

export const MERCHANT_ENTITY = new EntitySchema<Merchant>({
  name: 'Merchant',
  target: Merchant,
  tableName: 'merchants',
  columns: {
    id: { type: 'uuid', primary: true },
    name: { type: 'text' },
    version: { type: 'int' },
    createdAtMs: timeColumn('created_at'),
  },
});

@Injectable()
export class MerchantsRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** Stores a new merchant with its events. */
  async add(tx: Tx, merchant: Merchant): Promise<void> {
    await tx.manager.insert(Merchant, merchant);
    await this.outbox.append(tx, merchant.takeEvents());
  }

  /** The merchant, inside a transaction or outside. */
  async find(id: string, tx?: Tx): Promise<Merchant | undefined> {
    const manager = tx?.manager ?? (await this.database.ready()).manager;
    return (await manager.findOneBy(Merchant, { id })) ?? undefined;
  }
}
