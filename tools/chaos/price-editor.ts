// Changes prices in the catalogue continuously, so that the consumers of its events are busy during faults.
import { setTimeout as sleep } from 'node:timers/promises';
import { newUuid } from '@gravity/kernel';
import { ApiClient } from '../lib/api-client';
import { seedCatalogue } from '../lib/sale-seed';
import type { World } from './world';

const PAUSE_MS = 60;
const RETRY_MS = 500;

interface Sku {
  readonly id: string;
  readonly version: number;
}

/** Changes prices until {@link end}. */
export class PriceEditor {
  private readonly client: ApiClient;
  private ended = false;
  private working: Promise<void> = Promise.resolve();
  /** The number of price changes. */
  changes = 0;

  constructor({ cluster }: World) {
    this.client = new ApiClient(cluster.catalog.url, cluster.operatorToken);
  }

  /** Creates a few products and begins to change their prices. */
  async start(): Promise<void> {
    const skus = await seedCatalogue(this.client);
    this.working = Promise.all(skus.map(({ skuId }) => this.edit(skuId))).then(() => undefined);
  }

  async end(): Promise<void> {
    this.ended = true;
    await this.working;
  }

  private async edit(skuId: string): Promise<void> {
    while (!this.ended) {
      try {
        let { version } = await this.client.get<Sku>(`/catalog/v1/skus/${skuId}`);
        while (!this.ended) {
          const headers = { 'idempotency-key': newUuid(), 'if-match': `"${version}"` };
          const price = { amount: 100_000 + this.changes, currency: 'CNY' };
          ({ version } = await this.client.call<Sku>('POST', `/catalog/v1/skus/${skuId}/prices`, price, headers));
          this.changes += 1;
          await sleep(PAUSE_MS);
        }
      } catch {
        // The service is unavailable, or the version is out of date. Read the SKU again.
        await sleep(RETRY_MS);
      }
    }
  }
}
