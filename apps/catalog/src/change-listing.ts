// Lists or delists a product with all its SKUs. Asking for what is so already changes nothing and tells nobody.
import type { Problem } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Clock, type Result, ok } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';
import type { Outbox } from '@gravity/service';
import { mayChange, notFound, parseId } from './access';
import { checkListable } from './domain/product';
import { skuEvent } from './events';
import { refusalProblem, staleVersion } from './refusals';
import { lockProduct, updateProduct } from './storage/product.repository';
import { countSkus, setSkusListed, skusOfProducts } from './storage/sku.repository';
import { productView } from './views';
import type { ProductView } from './views.dto';

export interface ListingChange {
  readonly productId: string;
  readonly expectedVersion: number;
  readonly listed: boolean;
}

/** Refusals: `not-found`, `stale-version`, `not-sellable` when there is nothing to list. */
export async function changeListing(
  tx: Tx,
  clock: Clock,
  outbox: Outbox,
  caller: CallerIdentity,
  change: ListingChange,
): Promise<Result<ProductView, Problem>> {
  const id = parseId('product', change.productId);
  if (!id.ok) return id;
  const product = await lockProduct(tx, id.value);
  if (product === undefined || !mayChange(caller, product.merchantId)) return notFound('product', change.productId);
  if (product.version !== change.expectedVersion) return staleVersion(product.version);
  const listable = change.listed ? checkListable(await countSkus(tx, product.id)) : ok(undefined);
  if (!listable.ok) return refusalProblem(listable.error);
  const changed = product.listed === change.listed ? product : await updateProduct(tx, product, change);
  const type = change.listed ? 'catalog.sku.listed.v1' : 'catalog.sku.delisted.v1';
  const nowMs = clock.nowMs();
  const skus = await setSkusListed(tx, product.id, change.listed);
  await outbox.append(
    tx,
    skus.map((sku) => skuEvent(type, sku, nowMs)),
  );
  return ok(productView(changed, await skusOfProducts(tx, [product.id], { everything: true })));
}
