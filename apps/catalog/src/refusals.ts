// The domain's refusals as problem codes.
import { type Problem, refuse } from '@gravity/contracts';
import { type CatalogueRefusal, MAX_SKUS_PER_PRODUCT } from './domain/product';
import { unreachable } from '@gravity/kernel';

/** The problem that tells a caller of this refusal. */
export function refusalProblem(refusal: CatalogueRefusal): { ok: false; error: Problem } {
  switch (refusal.kind) {
    case 'duplicate-code':
      return refuse('duplicate-sku', `The merchant already has a SKU with the code ${refusal.code}.`);
    case 'too-many-skus':
      return refuse('invalid-request', `A product has at most ${MAX_SKUS_PER_PRODUCT} SKUs.`);
    case 'no-skus':
      return refuse('not-sellable', 'The product has no SKU yet. Add one, then list it.');
    case 'same-price':
      return refuse('invalid-request', 'This is the current price already.', {
        errors: [{ pointer: '/amount', message: 'must differ from the current price' }],
      });
    case 'other-currency':
      return refuse('invalid-request', `The SKU is priced in ${refusal.currency}; that does not change.`, {
        errors: [{ pointer: '/currency', message: `must be ${refusal.currency}` }],
      });
    default:
      return unreachable(refusal);
  }
}

/** The refusal of an update whose If-Match names another version than the current one. */
export function staleVersion(current: number): { ok: false; error: Problem } {
  return refuse('stale-version', `The object is at version ${current} now. Read it again and decide anew.`);
}
