// Products by shop, merchant, listing and attributes, newest first; or by text in Chinese or English, best match first.
import { type Problem, refuse } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page, listOf } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { visibilityOf } from '../../access';
import { searchQuery } from '../../domain/search-text';
import { type ListFilter, parseListFilter, positionOf } from '../../lists';
import { type Product, listProducts } from '../../storage/product.repository';
import { type Sku, skusOfProducts } from '../../storage/sku.repository';

/** Characters of a search text. */
export const MAX_QUERY_LENGTH = 200;

export interface ProductFilterRequest extends ListFilter {
  /** What the buyer typed; blank does not filter. */
  readonly q?: string;
}

@Injectable()
export class FindProducts {
  constructor(
    @Inject(Database) private readonly db: Database,
    @Inject(CursorSigner) private readonly cursors: CursorSigner,
  ) {}

  /** Refusals: `invalid-cursor`, `invalid-request` for a malformed id or attribute or too long a text. */
  async execute<T>(
    caller: CallerIdentity,
    request: ProductFilterRequest,
    show: (product: Product, skus: Sku[]) => T,
  ): Promise<Result<Page<T>, Problem>> {
    const filter = parseListFilter(request);
    if (!filter.ok) return filter;
    const { bound: conditionsBound, ...conditions } = filter.value;
    if ((request.q ?? '').length > MAX_QUERY_LENGTH) {
      return refuse('invalid-request', `The text to search for has at most ${MAX_QUERY_LENGTH} characters.`);
    }
    const asked = request.q?.trim() ? request.q : undefined;
    const query = asked === undefined ? undefined : searchQuery(asked);
    // Only punctuation was typed: nothing can match.
    if (asked !== undefined && query === undefined) return ok(listOf([]));
    const bound = { ...conditionsBound, q: query };
    const start = positionOf(this.cursors, 'products', bound, request.cursor);
    if (!start.ok) return start;
    const [afterId, afterRank] = start.value;
    const visibility = visibilityOf(caller);
    const page = { limit: request.limit, afterId, afterRank };
    const rows = await listProducts(this.db, { ...conditions, query, visibility }, page);
    const skus = groupByProduct(
      await skusOfProducts(
        this.db,
        rows.map((row) => row.id),
        visibility,
      ),
    );
    const position = (row: (typeof rows)[number]): string[] => (row.rank === undefined ? [row.id] : [row.id, row.rank]);
    const view = (row: Product): T => show(row, skus.get(row.id) ?? []);
    return ok(this.cursors.page('products', bound, request.limit, rows, position, view));
  }
}

function groupByProduct(skus: readonly Sku[]): Map<string, Sku[]> {
  const groups = new Map<string, Sku[]>();
  for (const sku of skus) {
    const group = groups.get(sku.productId);
    if (group === undefined) groups.set(sku.productId, [sku]);
    else group.push(sku);
  }
  return groups;
}
