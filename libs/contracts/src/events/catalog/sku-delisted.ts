import { skuSnapshot } from './sku-snapshot';

/** A SKU may no longer be sold. Orders already placed are not touched. */
export const skuDelisted = skuSnapshot;
