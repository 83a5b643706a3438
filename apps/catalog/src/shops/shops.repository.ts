// Shops in their table, by TypeORM: this path is not hot.
import { Database, type Tx } from '@gravity/persistence';
import { Outbox } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { EntitySchema, LessThan } from 'typeorm';
import { timeColumn } from '../columns';
import { Shop } from './shop';

export const SHOP_ENTITY = new EntitySchema<Shop>({
  name: 'Shop',
  target: Shop,
  tableName: 'shops',
  columns: {
    id: { type: 'uuid', primary: true },
    merchantId: { type: 'uuid', name: 'merchant_id' },
    name: { type: 'text' },
    version: { type: 'int' },
    createdAtMs: timeColumn('created_at'),
  },
});

@Injectable()
export class ShopsRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** Stores a new shop with its events. */
  async add(tx: Tx, shop: Shop): Promise<void> {
    await tx.manager.insert(Shop, shop);
    await this.outbox.append(tx, shop.takeEvents());
  }

  async find(tx: Tx, id: string): Promise<Shop | undefined> {
    return (await tx.manager.findOneBy(Shop, { id })) ?? undefined;
  }

  /** Shops after the given one, newest first, of one merchant or of all; one more than the limit when there are more. */
  async list(merchantId: string | undefined, limit: number, afterId: string | undefined): Promise<Shop[]> {
    const { manager } = await this.database.ready();
    return manager.find(Shop, {
      where: {
        ...(merchantId === undefined ? {} : { merchantId }),
        ...(afterId === undefined ? {} : { id: LessThan(afterId) }),
      },
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }
}
