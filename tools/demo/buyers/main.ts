// The process of the buyers: receives its task from the demo, runs all buyers, and reports the results.
import { tokenSigner } from '../../lib/token-signer';
import { BuyerClient, type BuyersContext } from './buyer-client';
import { CancellableWaits } from './cancellable-waits';
import { claimAsProfiled } from './claiming';
import { ConnectionPool } from './connection-pool';
import { pay } from './paying';
import { type BuyerProfile, drawProfiles } from './profiles';
import type { BuyersMessage, BuyersTask, StopBuying } from './protocol';
import { Statistics } from './statistics';

/**
 * A busy server answers the connections in turn, so the latency of a request grows with their number. This number keeps
 * two cores busy, and winners can still pay in time.
 */
const CONNECTIONS = 96;
const PAYMENT_CONNECTIONS = 32;
const TOKEN_LIFE_SECONDS = 3_600;
const PROGRESS_EVERY_MS = 200;
const READING_MIN_MS = 1_000;
/** Time between the start of the buyers and the first read of the round. */
const START_MARGIN_MS = 500;
const TOKENS_PER_MS = 20;

async function run(task: BuyersTask, waits: CancellableWaits): Promise<void> {
  const pool = new ConnectionPool(task.baseUrl, CONNECTIONS);
  const paymentPool = new ConnectionPool(task.baseUrl, PAYMENT_CONNECTIONS);
  const statistics = new Statistics();
  const sign = tokenSigner(task.signingKey, TOKEN_LIFE_SECONDS);
  const { seed, buyers, items, paymentWindowMs } = task;
  const signingMs = buyers / TOKENS_PER_MS;
  const readingMs = Math.max(READING_MIN_MS, task.opensAtMs - Date.now() - START_MARGIN_MS - signingMs);
  const profiles = drawProfiles({ seed, buyers, items: items.length, readingMs, paymentWindowMs });
  // All tokens are signed before the first request.
  const tokens = new Map(profiles.map(({ id }) => [id, sign(id, ['buyer'])]));
  const context: BuyersContext = {
    task,
    pool,
    paymentPool,
    statistics,
    tokenOf: (id) => tokens.get(id) ?? '',
    waits,
  };
  let active = profiles.length;
  const requests = (): number => pool.sent + paymentPool.sent;
  const report = setInterval(() => void send(statistics.progress(requests(), active)), PROGRESS_EVERY_MS);
  await Promise.all(profiles.map((profile) => runBuyer(profile, context).finally(() => (active -= 1))));
  clearInterval(report);
  pool.close();
  paymentPool.close();
  await send(statistics.result(requests(), profiles.filter(({ kind }) => kind === 'bot').length));
}

async function runBuyer(profile: BuyerProfile, context: BuyersContext): Promise<void> {
  const client = new BuyerClient(profile, context);
  const win = await claimAsProfiled(client, context);
  if (win !== undefined) await pay(client, context, win);
}

function send(message: BuyersMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) return reject(new Error('The demo starts this process; it does not run alone.'));
    process.send(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
}

process.once('message', (task: BuyersTask) => {
  const waits = new CancellableWaits();
  process.once('message', (_stop: StopBuying) => waits.cancel());
  run(task, waits).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(
        `The buyers failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
      process.exit(1);
    },
  );
});
// The process ends with the demo.
process.once('disconnect', () => process.exit(1));
