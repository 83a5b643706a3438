// SKUs by shop, merchant, product, listing and attributes, newest first.
import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { visibilityOf } from '../../access';
import { type ListFilter, parseListFilter, positionOf } from '../../lists';
import { type Sku, listSkus } from '../../storage/sku.repository';

@Injectable()
export class FindSkus {
  constructor(
    @Inject(Database) private readonly db: Database,
    @Inject(CursorSigner) private readonly cursors: CursorSigner,
  ) {}

  /** Refusals: `invalid-cursor`, `invalid-request` for a malformed id or attribute. */
  async execute<T>(
    caller: CallerIdentity,
    query: ListFilter,
    show: (sku: Sku) => T,
  ): Promise<Result<Page<T>, Problem>> {
    const filter = parseListFilter(query);
    if (!filter.ok) return filter;
    const { bound, ...conditions } = filter.value;
    const start = positionOf(this.cursors, 'skus', bound, query.cursor);
    if (!start.ok) return start;
    const rows = await listSkus(
      this.db,
      { ...conditions, visibility: visibilityOf(caller) },
      { limit: query.limit, afterId: start.value[0] },
    );
    return ok(this.cursors.page('skus', bound, query.limit, rows, (sku) => [sku.id], show));
  }
}
