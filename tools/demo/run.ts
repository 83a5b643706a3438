// The demo from the first server to the last check.
import { DEFAULT_AUDIENCE, LOCAL_ISSUER } from '@gravity/testing';
import { serviceDatabaseUrl } from '@gravity/persistence';
import { loadSecrets } from '../lib/secrets';
import { count, duration, type LiveLine, plural } from '../lib/terminal';
import type { Local } from '../local/start-local';
import { checkConservedUnits } from './checks/conserved-units';
import { checkDurableWins } from './checks/durable-wins';
import { type Books, openBook, readItems, uuidOf } from './checks/facts';
import { checkNeverOversold } from './checks/never-oversold';
import { checkOnce } from './checks/once';
import { sendCrowd } from './crowd-process';
import type { CrowdBrief, CrowdProgress, CrowdResult } from './crowd/protocol';
import type { DemoOptions } from './options';
import { type Background, type DemoReport, type ItemReport, promiseOf } from './report';
import { PAYMENT_WINDOW_SECONDS, type Scene, setScene, startDemoServices } from './scene';
import { atRest, type Unsettled, waitUntilAllSold, waitUntilSettled } from './settling';
import { tellStory } from './story';

/** After the crowd has gone, everything must have settled within this time. */
const SETTLE_WITHIN_MS = 40_000;

export interface DemoOutcome {
  readonly report: DemoReport;
  readonly background: Background;
}

/** Runs the demo. Undefined when it was stopped before the end. Whatever happens, nothing is left running. */
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
    const scene = await setScene(local, options, progress);
    live.note(
      `All set after ${duration(performance.now() - started)}. The round opens in ${duration(scene.opensAtMs - Date.now())}; ${plural(options.buyers, 'buyer')} on the way.`,
    );
    const brief = await briefFor(scene, options);
    const books = await openBooks(local, scene);
    try {
      const crowd = await watchCrowd(scene, brief, books, live, stop);
      const { report, background } = await judge(scene, options, { books, crowd, live });
      return { report, background: { ...background, elapsedMs: performance.now() - started } };
    } finally {
      await Promise.all([books.orders.end(), books.payments.end()]);
    }
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  } finally {
    await local.close();
  }
}

async function briefFor(scene: Scene, options: DemoOptions): Promise<CrowdBrief> {
  const { issuer } = scene.local;
  const secrets = await loadSecrets(scene.local.stack.dataDir);
  return {
    baseUrl: scene.local.baseUrl,
    seed: options.seed,
    buyers: options.buyers,
    roundId: scene.roundId,
    items: scene.items.map(({ itemId, price }) => ({ itemId, price })),
    opensAtMs: scene.opensAtMs,
    closesAtMs: scene.closesAtMs,
    paymentWindowMs: PAYMENT_WINDOW_SECONDS * 1_000,
    signingKey: {
      issuer: LOCAL_ISSUER,
      audience: DEFAULT_AUDIENCE,
      kid: issuer.kid,
      privateJwk: { ...secrets.issuerKey },
    },
  };
}

function progressLine(live: LiveLine, scene: Scene): (progress: CrowdProgress) => void {
  let before = { requests: 0, atMs: performance.now() };
  return ({ requests, accepted, refused, paid, active }) => {
    const atMs = performance.now();
    const rate = ((requests - before.requests) / (atMs - before.atMs)) * 1_000;
    before = { requests, atMs };
    const untilOpen = scene.opensAtMs - Date.now();
    const phase =
      untilOpen > 0 ? `opens in ${(untilOpen / 1_000).toFixed(1)} s` : `open for ${(-untilOpen / 1_000).toFixed(1)} s`;
    live.update(
      `${phase.padEnd(17)}  ${count(rate).padStart(6)} requests/s   won ${count(accepted)}   paid ${count(paid)}   refused ${count(refused)}   still here ${count(active)}`,
    );
  };
}

async function watchCrowd(
  scene: Scene,
  brief: CrowdBrief,
  books: Books,
  live: LiveLine,
  stop: AbortSignal,
): Promise<CrowdResult> {
  const gone = new AbortController();
  const allSold = waitUntilAllSold(books.orders, books.payments, books.roundId, gone.signal);
  try {
    return await sendCrowd(brief, { onProgress: progressLine(live, scene), allSold, stop });
  } finally {
    gone.abort();
    await allSold.catch(() => undefined);
  }
}

interface Evidence {
  readonly books: Books;
  readonly crowd: CrowdResult;
  readonly live: LiveLine;
}

async function judge(scene: Scene, options: DemoOptions, { books, crowd, live }: Evidence): Promise<DemoOutcome> {
  const { local } = scene;
  const showLeft = (left: Unsettled): void => live.update(`settling: ${describe(left).join(', ') || 'at rest'}`);
  const unsettled = await waitUntilSettled(books.orders, books.payments, SETTLE_WITHIN_MS, showLeft);
  live.note(
    `The crowd has gone home, ${atRest(unsettled) ? 'the sale is at rest' : 'the sale is not at rest'}. Checking the promises in Postgres …`,
  );
  const promises = {
    P1: promiseOf(await checkNeverOversold(books)),
    P2: promiseOf(await checkDurableWins(books, crowd.wins)),
    P3: promiseOf(await checkConservedUnits(books, local.stack.redisUrl)),
    P4: promiseOf(await checkOnce(books, scene.winLimit)),
  };
  const report: DemoReport = {
    ok: Object.values(promises).every((promise) => promise.ok),
    seed: options.seed,
    buyers: options.buyers,
    requests: crowd.requests,
    items: await itemReports(books, scene),
    refused: crowd.refused,
    latencyMs: crowd.latencyMs,
    promises,
  };
  const titles = new Map(scene.items.map(({ code, one, many }) => [code, { one, many }]));
  const story = await tellStory(books, crowd);
  return {
    report,
    background: { titles, story, crowd, unsettled: describe(unsettled), elapsedMs: 0, logFile: scene.logFile },
  };
}

async function openBooks(local: Local, scene: Scene): Promise<Books> {
  return {
    orders: await openBook(serviceDatabaseUrl(local.env, 'orders')),
    payments: await openBook(serviceDatabaseUrl(local.env, 'payments-sandbox')),
    roundId: uuidOf('round', scene.roundId),
    seriesId: uuidOf('series', scene.seriesId),
  };
}

async function itemReports(books: Books, scene: Scene): Promise<ItemReport[]> {
  const rows = await readItems(books);
  return scene.items.flatMap(({ itemId, code }) => {
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
  callbacks: 'callbacks to be delivered',
  returning: 'units on their way back to the gate',
  unpublished: 'events to be published',
};

function describe(left: Unsettled): string[] {
  return (Object.keys(LEFT) as (keyof Unsettled)[])
    .filter((what) => left[what] > 0)
    .map((what) => `${left[what]} ${LEFT[what]}`);
}
