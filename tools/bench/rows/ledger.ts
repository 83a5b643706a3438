// Journals of two legs, posted by one process or two, in turns with the same rows written raw. What is told is the CPU of all
// processes per journal over that of its rows, and how two processes share one hot account.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { accountIdOf, Ledger, ledgerDdl } from '@gravity/ledger';
import { openDatabase } from '@gravity/persistence';
import { cpuTimeUs } from '../cpu';
import type { LedgerCount, LedgerOrder } from '../ledger-worker';
import { median } from '../median';
import { LEDGER_FACTS } from '../report';
import { CLIENTS, type Reading, type RowKind, checkpoint } from '../row';
import type { BenchSystem } from '../system';

/** Pairs of accounts of the rows in which no account is hot. */
const PAIRS = 64;
/** Each way is measured so often, in turns. */
const TURNS = 4;
const WARM_UP_MS = 1_000;
const DATABASE = 'bench_ledger';

export const LEDGER: readonly RowKind[] = [
  { name: 'ledger-1', measure: (system) => againstRaw(system, 1, PAIRS) },
  { name: `ledger-${CLIENTS}`, measure: (system) => againstRaw(system, CLIENTS, PAIRS) },
  { name: 'ledger-hot', measure: (system) => againstRaw(system, CLIENTS, 1) },
  { name: 'ledger-hot-2', measure: twoOnOne },
];

type Pairs = readonly (readonly [string, string])[];

/** A database with a ledger and processes that write into it. */
interface Bench {
  readonly url: string;
  readonly pairs: (kind: 'posted' | 'raw', count: number) => Pairs;
  readonly worker: () => ChildProcess;
  readonly stop: () => void;
}

interface Turn {
  readonly perSecond: number;
  readonly nodeUs: number;
  readonly postgresUs: number;
}

async function againstRaw(system: BenchSystem, clients: number, pairs: number): Promise<Reading> {
  return withBench(system, async (bench) => {
    const worker = bench.worker();
    const run = (how: 'ledger' | 'raw', measureMs: number): Promise<Turn> =>
      turn(system, [worker], {
        url: bench.url,
        how,
        clients,
        measureMs,
        pairs: bench.pairs(how === 'raw' ? 'raw' : 'posted', pairs),
      });
    for (const how of ['ledger', 'raw'] as const) await run(how, WARM_UP_MS);
    const turns: { posted: Turn; raw: Turn }[] = [];
    for (let at = 0; at < TURNS; at += 1)
      turns.push({
        posted: await run('ledger', system.measureMs / TURNS),
        raw: await run('raw', system.measureMs / TURNS),
      });
    const of = (value: (turns: { posted: Turn; raw: Turn }) => number): number => median(turns.map(value));
    return {
      clients,
      perSecond: of(({ posted }) => posted.perSecond),
      cpuUs: { ledger: of(({ posted }) => posted.nodeUs), postgres: of(({ posted }) => posted.postgresUs) },
      facts: {
        [LEDGER_FACTS.cost]: of(({ posted, raw }) => costOf(posted) / costOf(raw)),
        'CPU µs of the rows written raw': of(({ raw }) => costOf(raw)),
        'rows of journals written raw per second': of(({ raw }) => raw.perSecond),
      },
    };
  });
}

async function twoOnOne(system: BenchSystem): Promise<Reading> {
  return withBench(system, async (bench) => {
    const [one, other] = [bench.worker(), bench.worker()];
    const run = (workers: readonly ChildProcess[], measureMs: number): Promise<Turn> =>
      turn(system, workers, {
        url: bench.url,
        how: 'ledger',
        clients: CLIENTS,
        measureMs,
        pairs: bench.pairs('posted', 1),
      });
    await run([one, other], WARM_UP_MS);
    const turns: { alone: Turn; both: Turn }[] = [];
    for (let at = 0; at < TURNS; at += 1)
      turns.push({
        alone: await run([one], system.measureMs / TURNS),
        both: await run([one, other], system.measureMs / TURNS),
      });
    return {
      clients: 2 * CLIENTS,
      perSecond: median(turns.map(({ both }) => both.perSecond)),
      cpuUs: {
        ledger: median(turns.map(({ both }) => both.nodeUs)),
        postgres: median(turns.map(({ both }) => both.postgresUs)),
      },
      facts: { [LEDGER_FACTS.two]: median(turns.map(({ alone, both }) => both.perSecond / alone.perSecond)) },
    };
  });
}

function costOf({ nodeUs, postgresUs }: Turn): number {
  return nodeUs + postgresUs;
}

/** Runs the order in every worker at once and tells their sum. */
async function turn(system: BenchSystem, workers: readonly ChildProcess[], order: LedgerOrder): Promise<Turn> {
  await checkpoint(system);
  const { pid } = system.stack.postgres;
  const node = { name: 'ledger', pids: workers.map((worker) => worker.pid!) };
  const postgres = { name: 'postgres', pids: pid === undefined ? [] : [pid] };
  const [nodeBefore, postgresBefore] = [cpuTimeUs(node), cpuTimeUs(postgres)];
  const counts = await Promise.all(workers.map((worker) => ask(worker, order)));
  const count = counts.reduce((sum, each) => sum + each.count, 0);
  return {
    perSecond: counts.reduce((sum, each) => sum + (each.count * 1_000) / each.elapsedMs, 0),
    nodeUs: (cpuTimeUs(node) - nodeBefore) / count,
    postgresUs: (cpuTimeUs(postgres) - postgresBefore) / count,
  };
}

async function ask(worker: ChildProcess, order: LedgerOrder): Promise<LedgerCount> {
  const answered = once(worker, 'message') as Promise<[LedgerCount]>;
  worker.send(order);
  return (await answered)[0];
}

async function withBench(system: BenchSystem, measure: (bench: Bench) => Promise<Reading>): Promise<Reading> {
  const bench = await prepare(system);
  try {
    return await measure(bench);
  } finally {
    bench.stop();
  }
}

/** An empty ledger in a database of its own: what an earlier row wrote would be this one's growth. */
async function prepare({ stack, database }: BenchSystem): Promise<Bench> {
  await database.query(`drop database if exists ${DATABASE} with (force)`);
  await database.query(`create database ${DATABASE}`);
  const url = new URL(stack.databaseUrl);
  url.pathname = `/${DATABASE}`;
  const own = openDatabase({ url: url.toString(), applicationName: 'bench', poolSize: 1 });
  const accounts = ['posted', 'raw'].flatMap((type) =>
    Array.from({ length: PAIRS * 2 }, (_none, index) => ({ type, owner: String(index), unit: 'CNY' })),
  );
  try {
    for (const statement of ledgerDdl()) await own.query(statement);
    const ledger = new Ledger(own, { service: 'bench' });
    await own.transaction((tx) => ledger.openAccounts(tx, accounts));
  } finally {
    await own.close();
  }
  const workers: ChildProcess[] = [];
  const idOf = (type: string, index: number): string => accountIdOf({ type, owner: String(index), unit: 'CNY' });
  return {
    url: url.toString(),
    pairs: (kind, count) =>
      Array.from({ length: count }, (_none, index) => [idOf(kind, index * 2), idOf(kind, index * 2 + 1)] as const),
    worker: () => {
      const worker = fork(join(__dirname, '..', 'ledger-worker.js'));
      workers.push(worker);
      return worker;
    },
    stop: () => workers.forEach((worker) => worker.kill()),
  };
}
