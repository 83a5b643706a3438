// The recurring sale of `npm start`. The first start creates its catalogue; later starts reuse it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiClient, ApiError } from '../lib/api-client';
import { createSeries, type SeededSku, seedCatalogue } from '../lib/sale-seed';

export interface RecurringSale {
  readonly seriesId: string;
  readonly skus: readonly SeededSku[];
}

interface SaleTerms {
  readonly everySeconds: number;
  readonly quota: number;
}

/** The contents of sale.json. */
interface StoredSale {
  readonly skus: readonly SeededSku[];
}

interface SeriesView {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly version: number;
  readonly recurrence: { readonly everySeconds: number };
  readonly items: readonly { readonly skuId: string; readonly quota: number }[];
}

interface RoundView {
  readonly id: string;
  readonly status: string;
  readonly version: number;
  readonly seriesId: string;
}

const TITLE = '整点秒杀 Flash sale round the clock';
const TIME_ZONE = 'Asia/Shanghai';
/** Time between the end of a round and the start of the next one. */
const GAP_SECONDS = 5;
const OPEN_FOR_MAX_SECONDS = 300;
const PAYMENT_WINDOW_MAX_SECONDS = 120;
const WIN_LIMIT = 3;
const LIST_LIMIT = 100;

/** Finds the series with these terms, or creates it, and pauses other series of this tool. The client is an operator. */
export async function keepSaleRunning(operator: ApiClient, dataDir: string, terms: SaleTerms): Promise<RecurringSale> {
  const skus = await storedSkus(operator, dataDir);
  const { items } = await operator.get<{ items: SeriesView[] }>(`/orders/v1/series?limit=${LIST_LIMIT}`);
  const own = items.filter((series) => series.title === TITLE && series.status !== 'ENDED');
  const matching = own.find((series) => hasTerms(series, terms, skus));
  for (const series of own.filter((other) => other !== matching && other.status === 'ACTIVE'))
    await retire(operator, series);
  if (matching === undefined) return { seriesId: await create(operator, terms, skus), skus };
  if (matching.status === 'PAUSED') {
    await operator.call('DELETE', `/orders/v1/series/${matching.id}/pause`, undefined, {
      'if-match': `"${matching.version}"`,
    });
  }
  return { seriesId: matching.id, skus };
}

function hasTerms(series: SeriesView, terms: SaleTerms, skus: readonly SeededSku[]): boolean {
  const sameItems = skus.every(({ skuId }) =>
    series.items.some((item) => item.skuId === skuId && item.quota === terms.quota),
  );
  return series.recurrence.everySeconds === terms.everySeconds && sameItems;
}

async function create(operator: ApiClient, terms: SaleTerms, skus: readonly SeededSku[]): Promise<string> {
  const openForSeconds = Math.min(OPEN_FOR_MAX_SECONDS, terms.everySeconds - GAP_SECONDS);
  const series = await createSeries<{ id: string }>(operator, {
    title: TITLE,
    timeZone: TIME_ZONE,
    recurrence: { everySeconds: terms.everySeconds, openForSeconds },
    items: skus.map(({ skuId, price }) => ({ skuId, price, quota: terms.quota, perOrderLimit: 1 })),
    winLimit: WIN_LIMIT,
    paymentWindowSeconds: Math.max(5, Math.min(PAYMENT_WINDOW_MAX_SECONDS, Math.floor(openForSeconds / 2))),
    autoApprove: true,
    warmAheadSeconds: Math.min(10, GAP_SECONDS - 1),
    roundsAhead: 6,
  });
  return series.id;
}

/** Pauses the series and cancels its rounds that have not begun. */
async function retire(operator: ApiClient, series: SeriesView): Promise<void> {
  await operator.put(`/orders/v1/series/${series.id}/pause`, undefined, { 'if-match': `"${series.version}"` });
  const path = `/orders/v1/rounds?seriesId=${series.id}&limit=${LIST_LIMIT}&status=DRAFT&status=APPROVED`;
  const { items } = await operator.get<{ items: RoundView[] }>(path);
  for (const round of items) {
    // A round that has begun since the list was read cannot be cancelled, and takes place.
    await operator
      .put(`/orders/v1/rounds/${round.id}/cancellation`, { reason: 'replaced by another recurrence' })
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
      });
  }
}

async function storedSkus(operator: ApiClient, dataDir: string): Promise<readonly SeededSku[]> {
  const file = join(dataDir, 'sale.json');
  const stored = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as StoredSale,
    () => undefined,
  );
  if (stored !== undefined && (await allExist(operator, stored.skus))) return stored.skus;
  const skus = await seedCatalogue(operator);
  await writeFile(file, `${JSON.stringify({ skus } satisfies StoredSale, null, 2)}\n`);
  return skus;
}

/** False when the database was emptied, or is another one. */
async function allExist(operator: ApiClient, skus: readonly SeededSku[]): Promise<boolean> {
  for (const { skuId } of skus) {
    try {
      await operator.get(`/catalog/v1/skus/${skuId}`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }
  return skus.length > 0;
}
