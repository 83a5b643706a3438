// Gives keys to SKU codes that an earlier release stored without one. Of the look-alikes that it accepted, the oldest gets
// the key. The others get none and stay on sale; `sku_code_collisions` counts them, and the log names them. New codes are
// compared with all of them.
import { codeKey } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { Injectable, Logger } from '@nestjs/common';
import { Gauge } from 'prom-client';

const collisionsNow = new Gauge({
  name: 'sku_code_collisions',
  help: 'SKUs whose code looks like an older one of the same merchant',
  labelNames: ['service'],
});

const PAUSE_MS = 60_000;
const BATCH_ROWS = 1_000;
const NAMED_MAX = 20;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

interface CodeRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly code: string;
}

@Injectable()
export class CodeKeys extends Loop {
  private readonly log = new Logger(CodeKeys.name);
  private collisions = 0;

  constructor(private readonly database: Database) {
    super({ name: 'sku-code-keys', pauseMs: PAUSE_MS, oncePerDatabase: true });
  }

  /** One pass over the codes without a key. */
  protected override async turn(signal: AbortSignal): Promise<void> {
    const left: CodeRow[] = [];
    for (let after = BEFORE_ALL; !signal.aborted;) {
      const rows = await this.database.query<CodeRow>(
        'SELECT id, merchant_id, code FROM skus WHERE code_key IS NULL AND id > $1 ORDER BY id LIMIT $2',
        [after, BATCH_ROWS],
      );
      left.push(...(await this.keyAll(rows)));
      if (rows.length < BATCH_ROWS) return this.report(left);
      after = rows.at(-1)!.id;
    }
  }

  /** Stores the keys; returns the rows whose key belongs to an older SKU. */
  private async keyAll(rows: readonly CodeRow[]): Promise<CodeRow[]> {
    if (rows.length === 0) return [];
    const keyed = await this.database.query<{ id: string }>(
      `UPDATE skus s SET code_key = r.key
         FROM (SELECT DISTINCT ON (merchant_id, key) id, merchant_id, key
                 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS r(id, merchant_id, key)
                ORDER BY merchant_id, key, id) r
        WHERE s.id = r.id
          AND NOT EXISTS (SELECT 1 FROM skus o WHERE o.merchant_id = r.merchant_id AND o.code_key = r.key)
       RETURNING s.id`,
      [rows.map(({ id }) => id), rows.map((row) => row.merchant_id), rows.map(({ code }) => codeKey(code))],
    );
    const done = new Set(keyed.map(({ id }) => id));
    return rows.filter(({ id }) => !done.has(id));
  }

  private report(left: readonly CodeRow[]): void {
    collisionsNow.set({ service: 'catalog' }, left.length);
    if (left.length > 0 && left.length !== this.collisions) {
      const named = left.slice(0, NAMED_MAX).map(({ id }) => id);
      this.log.warn(
        `${left.length} SKU codes look like older ones of the same merchant, among them ${named.join(', ')}`,
      );
    }
    this.collisions = left.length;
  }
}
