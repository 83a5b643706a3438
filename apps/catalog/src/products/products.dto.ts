// Products and SKUs in requests.
import { ListQuery } from '@gravity/http';
import { assert, parseCode } from '@gravity/kernel';
import {
  AttributesField,
  CodeField,
  FlagField,
  IdField,
  ListField,
  MoneyField,
  moneyOf,
  PositiveMoneyBody,
  TextField,
  values,
} from '@gravity/service';
import { DESCRIPTION_MAX, TITLE_MAX } from '../limits';
import { type NewProduct, SKUS_PER_PRODUCT_MAX } from './product';
import type { NewSku } from './sku';

/** Characters of a search text. */
export const SEARCH_TEXT_MAX = 200;

export class SkuBody {
  @CodeField({ example: 'MT-53-500', description: 'Unique within the merchant, look-alikes included' })
  code: string;

  @TextField({ max: TITLE_MAX, example: '飞天茅台酒 53度 500ml' })
  title: string;

  @AttributesField({ optional: true, example: { volume: '500ml' } })
  attributes?: Record<string, string>;

  @MoneyField()
  price: PositiveMoneyBody;
}

export class CreateProductBody {
  @IdField('shop')
  shopId: string;

  @TextField({ max: TITLE_MAX, example: '飞天茅台酒' })
  title: string;

  @TextField({ min: 0, max: DESCRIPTION_MAX, multiline: true, optional: true })
  description?: string;

  @AttributesField({ optional: true, example: { brand: '茅台' } })
  attributes?: Record<string, string>;

  @ListField(SkuBody, { max: SKUS_PER_PRODUCT_MAX, optional: true })
  skus?: SkuBody[];
}

export class AddSkusBody {
  @ListField(SkuBody, { min: 1, max: SKUS_PER_PRODUCT_MAX })
  skus: SkuBody[];
}

/** What lists of products and SKUs can be narrowed to. */
class FilterQuery extends ListQuery {
  @IdField('shop', { optional: true, query: true, description: 'Only of this shop' })
  shopId?: string;

  @IdField('merchant', { optional: true, query: true, description: 'Only of this merchant' })
  merchantId?: string;

  @FlagField({ optional: true, query: true, description: 'Only what is listed, or only what is not' })
  listed?: boolean;

  @ListField(values.attributeFilter(), {
    max: values.ATTRIBUTES_MAX,
    optional: true,
    query: true,
    example: ['volume:500ml'],
    description: '`name:value`; may be repeated, every one must hold',
  })
  attribute?: string[];
}

export class FindSkusQuery extends FilterQuery {
  @IdField('product', { optional: true, query: true, description: 'Only of this product' })
  productId?: string;
}

export class FindProductsQuery extends FilterQuery {
  @TextField({
    min: 0,
    max: SEARCH_TEXT_MAX,
    optional: true,
    query: true,
    example: '茅台 500ml',
    description:
      'Text in Chinese or English, emoji included: one character is enough, words match from their beginning, every word must be found. Best match first.',
  })
  q?: string;
}

/** What a seller says about a new SKU, from a checked body. */
export function newSku({ code, title, attributes, price }: SkuBody): NewSku {
  const parsed = parseCode(code);
  assert(parsed !== undefined, 'the code of a checked body is a code');
  return { code: parsed, title, ...(attributes && { attributes }), price: moneyOf(price) };
}

/** What a seller says about a new product, from a checked body. */
export function newProduct({ title, description, attributes, skus }: CreateProductBody): NewProduct {
  return {
    title,
    ...(description && { description }),
    ...(attributes && { attributes }),
    skus: (skus ?? []).map(newSku),
  };
}
