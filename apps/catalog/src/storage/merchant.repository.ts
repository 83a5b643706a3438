// Merchants and their shops.
import { type EntityManager, LessThan } from 'typeorm';
import { MerchantRow, ShopRow } from './entities';
import type { PageRequest } from './queryable';

export async function insertMerchant(manager: EntityManager, merchant: MerchantRow): Promise<void> {
  await manager.insert(MerchantRow, merchant);
}

export async function findMerchant(manager: EntityManager, id: string): Promise<MerchantRow | undefined> {
  return (await manager.findOneBy(MerchantRow, { id })) ?? undefined;
}

export async function insertShop(manager: EntityManager, shop: ShopRow): Promise<void> {
  await manager.insert(ShopRow, shop);
}

export async function findShop(manager: EntityManager, id: string): Promise<ShopRow | undefined> {
  return (await manager.findOneBy(ShopRow, { id })) ?? undefined;
}

/** Shops, newest first, of one merchant or of all. */
export async function listShops(
  manager: EntityManager,
  filter: { readonly merchantId?: string },
  page: PageRequest,
): Promise<ShopRow[]> {
  return manager.find(ShopRow, {
    where: {
      ...(filter.merchantId === undefined ? {} : { merchantId: filter.merchantId }),
      ...(page.afterId === undefined ? {} : { id: LessThan(page.afterId) }),
    },
    order: { id: 'DESC' },
    take: page.limit + 1,
  });
}
