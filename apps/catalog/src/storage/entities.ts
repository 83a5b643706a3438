// Rows as TypeORM sees them. The search column is missing on purpose: only hand-written SQL touches it.
import { toRfc3339 } from '@gravity/kernel';
import { Column, Entity, PrimaryColumn, type ValueTransformer } from 'typeorm';

/** bigint columns arrive as texts. */
const bigintColumn: ValueTransformer = {
  to: (value: bigint) => value.toString(),
  from: (value: string) => BigInt(value),
};

/** Times are milliseconds in code and timestamptz in tables. */
const timeColumn: ValueTransformer = {
  to: (ms: number) => toRfc3339(ms),
  from: (value: Date) => value.getTime(),
};

@Entity('merchants')
export class MerchantRow {
  @PrimaryColumn('uuid') id: string;
  @Column('text') name: string;
  @Column('int') version: number;
  @Column('timestamptz', { name: 'created_at', transformer: timeColumn }) createdAtMs: number;
}

@Entity('shops')
export class ShopRow {
  @PrimaryColumn('uuid') id: string;
  @Column('uuid', { name: 'merchant_id' }) merchantId: string;
  @Column('text') name: string;
  @Column('int') version: number;
  @Column('timestamptz', { name: 'created_at', transformer: timeColumn }) createdAtMs: number;
}

@Entity('skus')
export class SkuRow {
  @PrimaryColumn('uuid') id: string;
  @Column('uuid', { name: 'product_id' }) productId: string;
  @Column('uuid', { name: 'shop_id' }) shopId: string;
  @Column('uuid', { name: 'merchant_id' }) merchantId: string;
  @Column('text') code: string;
  @Column('text') title: string;
  @Column('jsonb') attributes: Record<string, string>;
  @Column('boolean') listed: boolean;
  @Column('int', { name: 'price_version' }) priceVersion: number;
  @Column('int') version: number;
}

@Entity('prices')
export class PriceRow {
  @PrimaryColumn('uuid') id: string;
  @Column('uuid', { name: 'sku_id' }) skuId: string;
  @Column('int') version: number;
  @Column('bigint', { transformer: bigintColumn }) amount: bigint;
  @Column('text') currency: string;
  @Column('timestamptz', { name: 'effective_at', transformer: timeColumn }) effectiveAtMs: number;
}

export const CATALOG_ENTITIES = [MerchantRow, ShopRow, SkuRow, PriceRow];
