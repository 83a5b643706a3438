// Wiring only: the table of contents of the catalogue.
import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { Commands } from './commands';
import { AddSkusHttp } from './use-cases/add-skus/add-skus.http';
import { AddSkus } from './use-cases/add-skus/add-skus.use-case';
import { CreateProductHttp } from './use-cases/create-product/create-product.http';
import { CreateProduct } from './use-cases/create-product/create-product.use-case';
import { DelistProductHttp } from './use-cases/delist-product/delist-product.http';
import { DelistProduct } from './use-cases/delist-product/delist-product.use-case';
import { FindProductsGrpc } from './use-cases/find-products/find-products.grpc';
import { FindProductsHttp } from './use-cases/find-products/find-products.http';
import { FindProducts } from './use-cases/find-products/find-products.use-case';
import { FindShopsHttp } from './use-cases/find-shops/find-shops.http';
import { FindShops } from './use-cases/find-shops/find-shops.use-case';
import { FindSkusGrpc } from './use-cases/find-skus/find-skus.grpc';
import { FindSkusHttp } from './use-cases/find-skus/find-skus.http';
import { FindSkus } from './use-cases/find-skus/find-skus.use-case';
import { GetMerchantHttp } from './use-cases/get-merchant/get-merchant.http';
import { GetMerchant } from './use-cases/get-merchant/get-merchant.use-case';
import { GetProductGrpc } from './use-cases/get-product/get-product.grpc';
import { GetProductHttp } from './use-cases/get-product/get-product.http';
import { GetProduct } from './use-cases/get-product/get-product.use-case';
import { GetSkuGrpc } from './use-cases/get-sku/get-sku.grpc';
import { GetSkuHttp } from './use-cases/get-sku/get-sku.http';
import { GetSku } from './use-cases/get-sku/get-sku.use-case';
import { ListProductHttp } from './use-cases/list-product/list-product.http';
import { ListProduct } from './use-cases/list-product/list-product.use-case';
import { OpenShopHttp } from './use-cases/open-shop/open-shop.http';
import { OpenShop } from './use-cases/open-shop/open-shop.use-case';
import { RegisterMerchantHttp } from './use-cases/register-merchant/register-merchant.http';
import { RegisterMerchant } from './use-cases/register-merchant/register-merchant.use-case';
import { SetPriceHttp } from './use-cases/set-price/set-price.http';
import { SetPrice } from './use-cases/set-price/set-price.use-case';

const WRITES = [RegisterMerchant, OpenShop, CreateProduct, AddSkus, SetPrice, ListProduct, DelistProduct];
const READS = [GetMerchant, FindShops, GetProduct, FindProducts, GetSku, FindSkus];
const HTTP = [
  ...[
    RegisterMerchantHttp,
    OpenShopHttp,
    CreateProductHttp,
    AddSkusHttp,
    SetPriceHttp,
    ListProductHttp,
    DelistProductHttp,
  ],
  ...[GetMerchantHttp, FindShopsHttp, GetProductHttp, FindProductsHttp, GetSkuHttp, FindSkusHttp],
];
const GRPC = [GetProductGrpc, FindProductsGrpc, GetSkuGrpc, FindSkusGrpc];

@Module({
  imports: [coreOf('catalog')],
  controllers: [...HTTP, ...GRPC],
  providers: [Commands, ...WRITES, ...READS],
})
export class CatalogModule {}
