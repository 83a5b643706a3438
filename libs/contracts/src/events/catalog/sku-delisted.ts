import { skuSnapshot } from './sku-snapshot';

/** A SKU may not be sold. Placed orders do not change. */
export const skuDelisted = skuSnapshot;
