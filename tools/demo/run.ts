// Runs the demo: starts everything, sells the round, checks the promises.
import { DEFAULT_AUDIENCE, LOCAL_ISSUER } from '@gravity/testing';
import { serviceDatabaseUrl } from '@gravity/persistence';
import { loadSecrets } from '../lib/secrets';
import { count, duration, type LiveLine, plural } from '../lib/terminal';
import type { Local } from '../local/start-local';
import { checkConservedUnits } from './checks/conserved-units';
import { checkDurableWins } from './checks/durable-wins';
import { type SaleDatabases, connectReader, readItems, uuidOf } from './checks/facts';
import { checkNeverOversold } from './checks/never-oversold';
import { checkOnce } from './checks/once';
import { runBuyers } from './buyers-process';
import type { BuyersTask, BuyersProgress, BuyersResult } from './buyers/protocol';
import type { DemoOptions } from './options';
import { type Background, type DemoReport, type ItemReport, promiseOf } from './report';
import { createSale, type DemoSale, PAYMENT_WINDOW_SECONDS, startDemoServices } from './sale-setup';
import { atRest, type Unsettled, waitUntilAllSold, waitUntilSettled } from './settling';
import { readEdgeCases } from './edge-cases';

/** Time for the sale to settle after the last request. */
const SETTLE_WITHIN_MS = 40_000;

export interface DemoOutcome {
  readonly report: DemoReport;
  readonly background: Background;
}

/** Runs the demo. Undefined when it is stopped before the end. Everything that it started is stopped in any case. */
export async function runDemo(
  options: DemoOptions,
  live: LiveLine,
  stop: AbortSignal,
): Promise<DemoOutcome | undefined> {
  const started = performance.now();
  const progress = (what: string): void => live.note(what);
  const local = await startDemoServices(progress);
  try {
    if (stop.aborted) return undefined;
    const sale = await createSale(local, options, progress);
    live.note(
      `Ready after ${duration(performance.now() - started)}. The round opens in ${duration(sale.opensAtMs - Date.now())}; ${plural(options.buyers, 'buyer')}.`,
    );
    const task = await taskFor(sale, options);
    const databases = await openDatabases(local, sale);
    try {
      const result = await sellRound(sale, task, databases, live, stop);
      const { report, background } = await check(sale, options, { databases, result, live });
      return { report, background: { ...background, elapsedMs: performance.now() - started } };
    } finally {
      await Promise.all([databases.orders.end(), databases.payments.end()]);
    }
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  } finally {
    await local.close();
  }
}

async function taskFor(sale: DemoSale, options: DemoOptions): Promise<BuyersTask> {
  const { issuer } = sale.local;
  const secrets = await loadSecrets(sale.local.stack.dataDir);
  return {
    baseUrl: sale.local.baseUrl,
    seed: options.seed,
    buyers: options.buyers,
    roundId: sale.roundId,
    items: sale.items.map(({ itemId, price }) => ({ itemId, price })),
    opensAtMs: sale.opensAtMs,
    closesAtMs: sale.closesAtMs,
    paymentWindowMs: PAYMENT_WINDOW_SECONDS * 1_000,
    signingKey: {
      issuer: LOCAL_ISSUER,
      audience: DEFAULT_AUDIENCE,
      kid: issuer.kid,
      privateJwk: { ...secrets.issuerKey },
    },
  };
}

function progressLine(live: LiveLine, sale: DemoSale): (progress: BuyersProgress) => void {
  let before = { requests: 0, atMs: performance.now() };
  return ({ requests, accepted, refused, paid, active }) => {
    const atMs = performance.now();
    const rate = ((requests - before.requests) / (atMs - before.atMs)) * 1_000;
    before = { requests, atMs };
    const untilOpen = sale.opensAtMs - Date.now();
    const phase =
      untilOpen > 0 ? `opens in ${(untilOpen / 1_000).toFixed(1)} s` : `open for ${(-untilOpen / 1_000).toFixed(1)} s`;
    live.update(
      `${phase.padEnd(17)}  ${count(rate).padStart(6)} requests/s   won ${count(accepted)}   paid ${count(paid)}   refused ${count(refused)}   active ${count(active)}`,
    );
  };
}

async function sellRound(
  sale: DemoSale,
  task: BuyersTask,
  databases: SaleDatabases,
  live: LiveLine,
  stop: AbortSignal,
): Promise<BuyersResult> {
  const finished = new AbortController();
  const allSold = waitUntilAllSold(databases.orders, databases.payments, databases.roundId, finished.signal);
  try {
    return await runBuyers(task, { onProgress: progressLine(live, sale), allSold, stop });
  } finally {
    finished.abort();
    await allSold.catch(() => undefined);
  }
}

interface Evidence {
  readonly databases: SaleDatabases;
  readonly result: BuyersResult;
  readonly live: LiveLine;
}

async function check(
  sale: DemoSale,
  options: DemoOptions,
  { databases, result, live }: Evidence,
): Promise<DemoOutcome> {
  const { local } = sale;
  const showOpen = (left: Unsettled): void => live.update(`settling: ${describe(left).join(', ') || 'settled'}`);
  const unsettled = await waitUntilSettled(databases.orders, databases.payments, SETTLE_WITHIN_MS, showOpen);
  live.note(
    `All buyers have finished; the sale is ${atRest(unsettled) ? 'settled' : 'not settled'}. Checking the promises in Postgres …`,
  );
  const promises = {
    P1: promiseOf(await checkNeverOversold(databases)),
    P2: promiseOf(await checkDurableWins(databases, result.wins)),
    P3: promiseOf(await checkConservedUnits(databases, local.stack.redisUrl)),
    P4: promiseOf(await checkOnce(databases, sale.winLimit)),
  };
  const report: DemoReport = {
    ok: Object.values(promises).every((promise) => promise.ok),
    seed: options.seed,
    buyers: options.buyers,
    requests: result.requests,
    items: await itemReports(databases, sale),
    refused: result.refused,
    latencyMs: result.latencyMs,
    promises,
  };
  const titles = new Map(sale.items.map(({ code, one, many }) => [code, { one, many }]));
  const edgeCases = await readEdgeCases(databases, result);
  return {
    report,
    background: { titles, edgeCases, result, unsettled: describe(unsettled), elapsedMs: 0, logFile: sale.logFile },
  };
}

async function openDatabases(local: Local, sale: DemoSale): Promise<SaleDatabases> {
  return {
    orders: await connectReader(serviceDatabaseUrl(local.env, 'orders')),
    payments: await connectReader(serviceDatabaseUrl(local.env, 'payments-sandbox')),
    roundId: uuidOf('round', sale.roundId),
    seriesId: uuidOf('series', sale.seriesId),
  };
}

async function itemReports(databases: SaleDatabases, sale: DemoSale): Promise<ItemReport[]> {
  const rows = await readItems(databases);
  return sale.items.flatMap(({ itemId, code }) => {
    const row = rows.find((candidate) => candidate.item_id === uuidOf('item', itemId));
    if (row === undefined) return [];
    const { quota, sold, held, written_off: writtenOff, resold } = row;
    return [{ sku: code, quota, sold, held, available: quota - sold - held - writtenOff, writtenOff, resold }];
  });
}

const LEFT: Readonly<Record<keyof Unsettled, string>> = {
  held: 'orders awaiting payment',
  refunding: 'refunds under way',
  moneyMoving: 'late payments under way',
  callbacks: 'callbacks to deliver',
  returning: 'units not yet back in the gate',
  unpublished: 'events to publish',
};

function describe(left: Unsettled): string[] {
  return (Object.keys(LEFT) as (keyof Unsettled)[])
    .filter((what) => left[what] > 0)
    .map((what) => `${left[what]} ${LEFT[what]}`);
}
