// A small example catalogue, created through the REST API.
import { sleep } from '@gravity/kernel';
import { ApiClient, ApiError } from './api-client';

/** A SKU of the example catalogue. */
export interface SeededSku {
  /** The code that the merchant uses. */
  readonly code: string;
  readonly skuId: string;
  /** Its noun, in singular and plural. */
  readonly one: string;
  readonly many: string;
  readonly title: string;
  /** The sale price in minor units. */
  readonly price: { readonly amount: number; readonly currency: string };
}

interface Merchandise {
  readonly merchant: string;
  readonly shop: string;
  readonly product: {
    readonly title: string;
    readonly description: string;
    readonly attributes: Record<string, string>;
  };
  readonly sku: { readonly code: string; readonly title: string; readonly attributes: Record<string, string> };
  readonly one: string;
  readonly many: string;
  /** The regular price and the sale price, in minor units. */
  readonly listPrice: number;
  readonly salePrice: number;
}

const CURRENCY = 'CNY';

const MERCHANDISE: readonly Merchandise[] = [
  {
    merchant: '云窖酒业 Cloud Cellar Spirits',
    shop: '云窖官方旗舰店 Cloud Cellar flagship shop',
    product: {
      title: '云窖陈年酱香白酒 Cloud Cellar aged baijiu',
      description: '十二年陈酿，酱香型。Twelve years in clay jars; sauce aroma.',
      attributes: { aroma: '酱香', strength: '53%' },
    },
    sku: {
      code: 'BAIJIU-53-500',
      title: '云窖陈年酱香白酒 53度 500ml · Cloud Cellar aged baijiu, one bottle',
      attributes: { volume: '500ml' },
    },
    one: 'bottle',
    many: 'bottles',
    listPrice: 289_900,
    salePrice: 149_900,
  },
  {
    merchant: '星河数码 Starfield Digital',
    shop: '星河数码专营店 Starfield Digital shop',
    product: {
      title: '星河 S1 手机 Starfield S1 phone',
      description: '6.1 英寸，双卡，两天续航。6.1 inches, two SIM cards, two days on a charge.',
      attributes: { screen: '6.1in', sim: '2' },
    },
    sku: {
      code: 'PHONE-S1-256',
      title: '星河 S1 手机 256GB 曜石黑 · Starfield S1 phone, obsidian',
      attributes: { storage: '256GB', colour: '曜石黑' },
    },
    one: 'phone',
    many: 'phones',
    listPrice: 459_900,
    salePrice: 299_900,
  },
];

/** Registers merchants, opens their shops, creates and lists their products. The client acts as an operator. */
export async function seedCatalogue(operator: ApiClient): Promise<SeededSku[]> {
  return Promise.all(MERCHANDISE.map((merchandise) => createItem(operator, merchandise)));
}

async function createItem(operator: ApiClient, goods: Merchandise): Promise<SeededSku> {
  const merchant = await operator.post<{ id: string }>('/catalog/v1/merchants', { name: goods.merchant });
  const shop = await operator.post<{ id: string }>('/catalog/v1/shops', { merchantId: merchant.id, name: goods.shop });
  const product = await operator.post<{ id: string; version: number; skus: { id: string }[] }>('/catalog/v1/products', {
    shopId: shop.id,
    ...goods.product,
    skus: [{ ...goods.sku, price: { amount: goods.listPrice, currency: CURRENCY } }],
  });
  await operator.put(`/catalog/v1/products/${product.id}/listing`, undefined, { 'if-match': `"${product.version}"` });
  const skuId = product.skus[0]?.id;
  if (skuId === undefined) throw new Error(`The product ${product.id} was created without its SKU.`);
  const { one, many, sku, salePrice } = goods;
  return { code: sku.code, skuId, one, many, title: sku.title, price: { amount: salePrice, currency: CURRENCY } };
}

const SNAPSHOT_WITHIN_MS = 30_000;
const SNAPSHOT_POLL_MS = 150;

/**
 * Creates a series. Orders receives a new SKU through Kafka shortly after its listing and refuses with `sku-unknown` until
 * then, so this call retries.
 */
export async function createSeries<T>(operator: ApiClient, body: object): Promise<T> {
  const deadline = performance.now() + SNAPSHOT_WITHIN_MS;
  for (;;) {
    try {
      return await operator.post<T>('/orders/v1/series', body);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'sku-unknown') throw error;
      if (performance.now() > deadline) {
        throw new Error(`orders has not received the new SKUs within ${SNAPSHOT_WITHIN_MS / 1_000} s. Check Kafka.`, {
          cause: error,
        });
      }
    }
    await sleep(SNAPSHOT_POLL_MS);
  }
}
