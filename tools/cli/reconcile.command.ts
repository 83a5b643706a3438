// `reconcile`: compares the units in Postgres and in the gate per item, and reloads the gate where it is wrong.
import { parseArgs } from 'node:util';
import { type Environment, sleep, systemClock } from '@gravity/kernel';
import { type Database, openDatabase, serviceDatabaseUrl } from '@gravity/persistence';
import { GateConnection } from '../../apps/orders/src/gate/gate-connection';
import { GateKeeper } from '../../apps/orders/src/gate/gate-keeper';
import { RedisGate } from '../../apps/orders/src/gate/redis-gate';
import { ReturnsWorker } from '../../apps/orders/src/gate/returns-worker';
import { ConservationCheck } from '../../apps/orders/src/use-cases/get-conservation/conservation-check';
import type { ConservationView } from '../../apps/orders/src/use-cases/get-conservation/conservation-view';
import { type Reconciliation, Reconcile } from '../../apps/orders/src/use-cases/reconcile/reconcile.use-case';
import { type Paint, paintFor, plural, table } from '../lib/terminal';

const REDIS_WITHIN_MS = 3_000;
const REDIS_POLL_MS = 50;

/** Returns 0 when both sides agree in the end, 1 when Postgres contradicts itself or the gate could not be reloaded. */
export async function reconcileCommand(words: readonly string[], env: Environment): Promise<number> {
  const { values } = parseArgs({ args: [...words], options: { round: { type: 'string' } } });
  const database = openDatabase({
    url: serviceDatabaseUrl(env, 'orders'),
    applicationName: 'gravity-cli',
    poolSize: 2,
  });
  const connection = new GateConnection({ url: env['REDIS_URL'] ?? '' });
  try {
    await connect(connection);
    const reports = await run(reconcileWith(database, connection), values.round);
    process.stdout.write(render(reports, paintFor(process.stdout)));
    return reports.every(({ after }) => after.ok) ? 0 : 1;
  } finally {
    await connection.stop();
    await database.close();
  }
}

async function run(reconcile: Reconcile, roundId: string | undefined): Promise<readonly Reconciliation[]> {
  if (roundId === undefined) return reconcile.reconcileAll();
  const result = await reconcile.reconcileRound(roundId);
  if (!result.ok)
    throw new Error(
      `${result.error.detail} Rounds have ids such as rnd_01h2xcejqtf2nbrexx3vqjhp41; omit --round for all live rounds.`,
    );
  return [result.value];
}

function reconcileWith(database: Database, connection: GateConnection): Reconcile {
  const gate = new RedisGate(connection);
  // This worker is not started; the workers of the services apply the returns. The keeper only wakes it.
  const returns = new ReturnsWorker(database, gate);
  const keeper = new GateKeeper(database, connection, gate, returns, systemClock);
  return new Reconcile(database, keeper, new ConservationCheck(database, keeper));
}

// An unreachable gate must not count as a lost gate: the sale would switch to direct admission.
async function connect(connection: GateConnection): Promise<void> {
  connection.start();
  const deadline = performance.now() + REDIS_WITHIN_MS;
  while (connection.runId === undefined) {
    if (performance.now() > deadline)
      throw new Error(
        `Redis does not answer within ${REDIS_WITHIN_MS / 1_000} s; nothing was changed. Check REDIS_URL.`,
      );
    await sleep(REDIS_POLL_MS);
  }
}

function render(reports: readonly Reconciliation[], paint: Paint): string {
  if (reports.length === 0) return 'No round is live. Name an earlier round with --round.\n';
  return reports.map((report) => renderRound(report, paint)).join('\n');
}

function renderRound({ before, repaired, after }: Reconciliation, paint: Paint): string {
  const title = `${paint.bold(before.roundId)}  ${before.status}  ${plural(before.items.length, 'item')}\n`;
  const verdict = after.ok
    ? repaired
      ? paint.green('The gate was wrong and was reloaded from Postgres.')
      : paint.green('Both sides agree.')
    : paint.red(
        'Still different: see docs/runbooks/oversell-suspected.md. Postgres contradicts itself, and no program repairs that.',
      );
  return `${title}${sides(before, paint)}${repaired ? `after the repair\n${sides(after, paint)}` : ''}${verdict}\n`;
}

function sides(view: ConservationView, paint: Paint): string {
  const head = ['item', 'quota', 'available', 'held', 'sold', 'written off', 'gate', 'drift'].map((text) =>
    paint.dim(text),
  );
  const rows = view.items.map((item) => {
    const { postgres, gate } = item;
    const counters = [postgres.quota, postgres.available, postgres.held, postgres.sold, postgres.writtenOff].map(
      String,
    );
    const offered = gate === null ? (item.gateAbsence ?? 'none') : String(gate.available);
    const drift = [item.drift ?? 0, item.heldDrift, item.soldDrift].every((units) => units === 0)
      ? '0'
      : paint.red(`gate ${item.drift ?? '–'}, held ${item.heldDrift}, sold ${item.soldDrift}`);
    return [item.itemId, ...counters, offered, item.exact ? drift : `${drift} (moving)`];
  });
  return table([head, ...rows], { right: [1, 2, 3, 4, 5, 6] });
}
