// Indexes again the products whose terms an earlier release has made, so that every product is found in the same way. Until
// then they are found by the terms that they have.
import { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { ProductsRepository, searchVectorOf } from './products.repository';
import { SEARCH_FORM } from './search-text';

const PAUSE_MS = 60_000;
const BATCH_ROWS = 100;

@Injectable()
export class SearchIndexer extends Loop {
  constructor(
    private readonly database: Database,
    private readonly products: ProductsRepository,
  ) {
    super({ name: 'search-indexer', pauseMs: PAUSE_MS, oncePerDatabase: true });
  }

  /** One batch; the next one follows at once while there are more. */
  protected override async turn(signal: AbortSignal): Promise<number | void> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM products
        WHERE search_form IS NULL OR search_form < $1 OR search_version IS DISTINCT FROM version LIMIT $2`,
      [SEARCH_FORM, BATCH_ROWS],
    );
    for (const { id } of rows) {
      if (signal.aborted) return;
      await this.cutAnew(id);
    }
    return rows.length === BATCH_ROWS ? 0 : undefined;
  }

  private async cutAnew(id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const product = await this.products.lock(tx, id);
      if (product === undefined) return;
      const skus = product.skus.map(({ facts }) => facts);
      await tx.query(
        'UPDATE products SET search = $2::tsvector, search_form = $3, search_version = version WHERE id = $1',
        [id, searchVectorOf(product.facts, skus), SEARCH_FORM],
      );
    });
  }
}
