// Answers of the catalogue's REST API, as the API document shows them.
import { ApiProperty } from '@nestjs/swagger';
import { type Currency, CURRENCIES } from '@gravity/kernel';

const ATTRIBUTES = { type: 'object', additionalProperties: { type: 'string' }, example: { volume: '500ml' } } as const;
const TIME = { type: 'string', format: 'date-time', example: '2026-11-20T12:00:00.000Z' } as const;

export class MoneyView {
  @ApiProperty({ type: 'integer', description: 'Minor units', example: 149900 }) amount: number;
  @ApiProperty({ enum: CURRENCIES, example: 'CNY' }) currency: Currency;
}

export class MerchantView {
  @ApiProperty({ example: 'mer_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() name: string;
  @ApiProperty({ type: 'integer' }) version: number;
  @ApiProperty(TIME) createdAt: string;
}

export class ShopView {
  @ApiProperty({ example: 'shp_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() merchantId: string;
  @ApiProperty() name: string;
  @ApiProperty({ type: 'integer' }) version: number;
  @ApiProperty(TIME) createdAt: string;
}

export class SkuView {
  @ApiProperty({ example: 'sku_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() productId: string;
  @ApiProperty() shopId: string;
  @ApiProperty() merchantId: string;
  @ApiProperty({ description: "The merchant's own code, unique within the merchant" }) code: string;
  @ApiProperty() title: string;
  @ApiProperty(ATTRIBUTES) attributes: Record<string, string>;
  @ApiProperty({ type: MoneyView }) price: MoneyView;
  @ApiProperty({ description: 'A version of the price; it never changes' }) priceVersionId: string;
  @ApiProperty({ type: 'integer' }) priceVersion: number;
  @ApiProperty(TIME) priceEffectiveAt: string;
  @ApiProperty() listed: boolean;
  @ApiProperty({ type: 'integer', description: 'Send it back as If-Match to change the SKU' }) version: number;
}

export class ProductView {
  @ApiProperty({ example: 'prd_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() shopId: string;
  @ApiProperty() merchantId: string;
  @ApiProperty() title: string;
  @ApiProperty() description: string;
  @ApiProperty(ATTRIBUTES) attributes: Record<string, string>;
  @ApiProperty() listed: boolean;
  @ApiProperty({ type: 'integer', description: 'Send it back as If-Match to change the product' }) version: number;
  @ApiProperty(TIME) createdAt: string;
  @ApiProperty({ type: () => [SkuView] }) skus: SkuView[];
}

export class ShopListView {
  @ApiProperty({ type: [ShopView] }) items: ShopView[];
  @ApiProperty({ required: false, description: 'Ask for the next page with it; absent on the last page' })
  nextCursor?: string;
  @ApiProperty() hasMore: boolean;
}

export class SkuListView {
  @ApiProperty({ type: [SkuView] }) items: SkuView[];
  @ApiProperty({ required: false, description: 'Ask for the next page with it; absent on the last page' })
  nextCursor?: string;
  @ApiProperty() hasMore: boolean;
}

export class ProductListView {
  @ApiProperty({ type: [ProductView] }) items: ProductView[];
  @ApiProperty({ required: false, description: 'Ask for the next page with it; absent on the last page' })
  nextCursor?: string;
  @ApiProperty() hasMore: boolean;
}
