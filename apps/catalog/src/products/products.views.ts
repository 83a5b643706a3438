// Products and SKUs as answers of REST.
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import {
  AttributesField,
  CountField,
  FlagField,
  IdField,
  ListField,
  MoneyView,
  MoneyViewField,
  PageOf,
  TextViewField,
  TimeField,
} from '@gravity/service';
import { DESCRIPTION_MAX, TITLE_MAX } from '../limits';
import { type ProductFacts, SKUS_PER_PRODUCT_MAX } from './product';
import type { SkuFacts } from './sku';

const ATTRIBUTES = { example: { volume: '500ml' } };

export class SkuView {
  @IdField('sku') id: string;
  @IdField('product') productId: string;
  @IdField('shop') shopId: string;
  @IdField('merchant') merchantId: string;
  @TextViewField({
    max: TITLE_MAX,
    description: "The merchant's own code as it was typed; look-alikes are unique within the merchant",
  })
  code: string;
  @TextViewField({ max: TITLE_MAX }) title: string;
  @AttributesField(ATTRIBUTES) attributes: Record<string, string>;
  @MoneyViewField() price: MoneyView;
  @IdField('price', { description: 'A version of the price; it never changes' }) priceVersionId: string;
  @CountField() priceVersion: number;
  @TimeField() priceEffectiveAt: string;
  @FlagField() listed: boolean;
  @CountField({ description: 'Send it back as If-Match to change the SKU' }) version: number;
}

export function skuView(sku: SkuFacts): SkuView {
  return {
    id: idFromUuid('sku', sku.id),
    productId: idFromUuid('product', sku.productId),
    shopId: idFromUuid('shop', sku.shopId),
    merchantId: idFromUuid('merchant', sku.merchantId),
    code: sku.code,
    title: sku.title,
    attributes: { ...sku.attributes },
    price: moneyToJson(sku.price.amount),
    priceVersionId: idFromUuid('price', sku.price.id),
    priceVersion: sku.price.version,
    priceEffectiveAt: toRfc3339(sku.price.effectiveAtMs),
    listed: sku.listed,
    version: sku.version,
  };
}

export class ProductView {
  @IdField('product') id: string;
  @IdField('shop') shopId: string;
  @IdField('merchant') merchantId: string;
  @TextViewField({ max: TITLE_MAX }) title: string;
  @TextViewField({ max: DESCRIPTION_MAX }) description: string;
  @AttributesField(ATTRIBUTES) attributes: Record<string, string>;
  @FlagField() listed: boolean;
  @CountField({ description: 'Send it back as If-Match to change the product' }) version: number;
  @TimeField() createdAt: string;
  @ListField(SkuView, { max: SKUS_PER_PRODUCT_MAX }) skus: SkuView[];
}

export function productView({ facts, skus }: ProductWithSkus): ProductView {
  return {
    id: idFromUuid('product', facts.id),
    shopId: idFromUuid('shop', facts.shopId),
    merchantId: idFromUuid('merchant', facts.merchantId),
    title: facts.title,
    description: facts.description,
    attributes: { ...facts.attributes },
    listed: facts.listed,
    version: facts.version,
    createdAt: toRfc3339(facts.createdAtMs),
    skus: skus.map(skuView),
  };
}

/** A product with those of its SKUs that the caller may see. */
export interface ProductWithSkus {
  readonly facts: ProductFacts;
  readonly skus: readonly SkuFacts[];
}

export class SkuListView extends PageOf(SkuView) {}
export class ProductListView extends PageOf(ProductView) {}
