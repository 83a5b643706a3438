// Ids and callers of the reads of the catalogue: the same over REST and gRPC.
import type { OperationOptions } from '@gravity/service';

const callers = ['buyer', 'merchant', 'anchor', 'operator', 'service'] as const;

export const GET_PRODUCT = {
  id: 'getProduct',
  callers,
  summary: 'One product with its SKUs',
} satisfies OperationOptions;
export const GET_SKU = { id: 'getSku', callers, summary: 'One SKU with its current price' } satisfies OperationOptions;
export const FIND_SKUS = { id: 'findSkus', callers, summary: 'SKUs, newest first' } satisfies OperationOptions;
export const FIND_PRODUCTS = {
  id: 'findProducts',
  callers,
  summary: 'Products: by text, best match first; otherwise newest first',
} satisfies OperationOptions;
