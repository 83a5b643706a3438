// Prepares the demo: separate servers and services, a catalogue, a series, and one round that opens soon.
import { rm, readdir, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '@gravity/kernel';
import { defaultDataDir, resetStack, runningStack, type Stack } from '@gravity/testing';
import { ApiClient } from '../lib/api-client';
import { createSeries, type SeededSku, seedCatalogue } from '../lib/sale-seed';
import { type Local, startLocal } from '../local/start-local';
import type { DemoOptions } from './options';

/** A short payment window: expired units are sold again within the demo. */
export const PAYMENT_WINDOW_SECONDS = 10;
const OPEN_FOR_SECONDS = 45;
/** The round stays open one second longer for this many buyers. */
const BUYERS_PER_OPEN_SECOND = 1_000;
const WIN_LIMIT = 1;
const LEAD_SECONDS = 5;
/** The round opens one second later for this many buyers, who sign their tokens and read the round before. */
const BUYERS_PER_LEAD_SECOND = 4_000;

/** An item of the round. */
export interface SaleItem extends SeededSku {
  readonly itemId: string;
  readonly quota: number;
}

/** The round of the demo. */
export interface DemoSale {
  readonly local: Local;
  readonly operator: ApiClient;
  readonly seriesId: string;
  readonly roundId: string;
  readonly winLimit: number;
  readonly items: readonly SaleItem[];
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  /** The log of the services. It stays after the demo. */
  readonly logFile: string;
}

/** Starts everything in a new folder. When a part fails to start, it stops the others and rejects. */
export async function startDemoServices(progress: (what: string) => void): Promise<Local> {
  const home = join(defaultDataDir(), 'demo');
  await clearOldRuns(home);
  const dataDir = join(home, `run-${process.pid}`);
  await mkdir(dataDir, { recursive: true });
  const running = await runningStack();
  if (running !== undefined) progress(`Using the servers of process ${running.owner.pid}, with separate databases.`);
  const local = await startLocal({
    dataDir,
    ports: 'free',
    stack: { ports: 'free', throwAway: true, log: progress, env: { ...process.env, ...running?.env } },
    overrides: (stack) => separateNames(stack),
    logFile: join('..', 'services.log'),
    onProgress: progress,
  });
  return { ...local, close: () => local.close().finally(() => removeRun(dataDir)) };
}

// On shared servers, every demo has its own databases and topics, which start empty.
function separateNames(stack: Stack): Environment {
  const run = `demo_${Date.now().toString(36)}_${process.pid}`;
  const url = (service: string): string => {
    const address = new URL(stack.databaseUrl);
    address.pathname = `/gravity_${run}_${service}`;
    return address.toString();
  };
  return {
    CATALOG_DATABASE_URL: url('catalog'),
    ORDERS_DATABASE_URL: url('orders'),
    PAYMENTS_SANDBOX_DATABASE_URL: url('payments_sandbox'),
    KAFKA_TOPIC_PREFIX: `${run}.`,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
  };
}

/** Creates the catalogue and a round, through the REST API as an operator. */
export async function createSale(
  local: Local,
  options: DemoOptions,
  progress: (what: string) => void,
): Promise<DemoSale> {
  const token = await local.issuer.mint({ sub: 'op_demo', roles: ['operator'], expiresIn: '2h' });
  const operator = new ApiClient(local.baseUrl, token);
  progress('Creating a catalogue through the REST API …');
  const skus = await seedCatalogue(operator);
  const lead = LEAD_SECONDS + options.buyers / BUYERS_PER_LEAD_SECOND;
  const series = await createSeries<{ id: string }>(operator, {
    title: '整点秒杀 Flash sale of the demo',
    timeZone: 'Asia/Shanghai',
    // The demo creates its round itself. The rounds of the recurrence start tomorrow.
    recurrence: { everySeconds: 86_400, openForSeconds: 60, startsAt: new Date(Date.now() + 86_400_000).toISOString() },
    items: skus.map(({ skuId, price }) => ({ skuId, price, quota: options.quota, perOrderLimit: 1 })),
    winLimit: WIN_LIMIT,
    paymentWindowSeconds: PAYMENT_WINDOW_SECONDS,
    roundsAhead: 1,
  });
  const opensAtMs = Math.ceil(Date.now() + lead * 1_000);
  const closesAtMs = opensAtMs + (OPEN_FOR_SECONDS + Math.ceil(options.buyers / BUYERS_PER_OPEN_SECOND)) * 1_000;
  const round = await operator.post<{
    id: string;
    version: number;
    items: { id: string; skuId: string; quota: number }[];
  }>(`/orders/v1/series/${series.id}/rounds`, {
    opensAt: new Date(opensAtMs).toISOString(),
    closesAt: new Date(closesAtMs).toISOString(),
  });
  await operator.put(`/orders/v1/rounds/${round.id}/approval`, undefined, { 'if-match': `"${round.version}"` });
  const items = skus.map((sku): SaleItem => {
    const item = round.items.find((candidate) => candidate.skuId === sku.skuId);
    if (item === undefined) throw new Error(`The round ${round.id} has no item for ${sku.skuId}.`);
    return { ...sku, itemId: item.id, quota: item.quota };
  });
  const { logFile } = local;
  return {
    local,
    operator,
    seriesId: series.id,
    roundId: round.id,
    winLimit: WIN_LIMIT,
    items,
    opensAtMs,
    closesAtMs,
    logFile,
  };
}

/** Removes the folders of demos that were killed. A running demo keeps its folder. */
async function clearOldRuns(home: string): Promise<void> {
  const names = await readdir(home).catch(() => []);
  for (const name of names.filter((candidate) => candidate.startsWith('run-'))) {
    await removeRun(join(home, name)).catch(() => undefined);
  }
}

async function removeRun(dataDir: string): Promise<void> {
  // Stops servers of a demo that has ended. Refuses while the demo runs.
  await resetStack(dataDir);
  await rm(dataDir, { recursive: true, force: true });
}
