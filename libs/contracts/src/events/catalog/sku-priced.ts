import { skuSnapshot } from './sku-snapshot';

/** A SKU got a new price version, which is its price from now on. Earlier versions stay as they were. */
export const skuPriced = skuSnapshot;
