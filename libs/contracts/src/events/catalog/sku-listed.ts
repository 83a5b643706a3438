import { skuSnapshot } from './sku-snapshot';

/** A SKU may be sold from now on. */
export const skuListed = skuSnapshot;
