// Runs schedules of the claim protocol until one violates an invariant or all are done.
import { parseArgs } from 'node:util';
import { UsageError, parseInteger, runTool } from '../lib/arguments';
import { MUTATIONS, type MutationName } from './mutations';
import { runnersMax, runInThreads } from './ranges';
import { type Outcome, runSchedule } from './schedule';

const USAGE = `Usage: npm run simulate -- protocol [--seed 1] [--schedules 1000000] [--workers <cores>] [--trace] [--mutation <bug>]

  --seed       the first seed; each further schedule takes the next one
  --schedules  how many schedules to run
  --workers    how many run at a time; one per core by default
  --trace      print every step of a failing schedule, and of a single one
  --mutation   run with a known bug, to see it found: ${Object.keys(MUTATIONS).join(', ')}
`;
const SHORT_TRACE = 60;
const SEED_BOUNDS = { min: 0, max: 1_000_000_000 };
const WORKER_BOUNDS = { min: 1, max: 256 };
const REPORT_EVERY_MS = 5_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      schedules: { type: 'string', default: '1000000' },
      workers: { type: 'string', default: String(runnersMax()) },
      trace: { type: 'boolean', default: false },
      mutation: { type: 'string' },
    },
  });
  if (positionals.length !== 1 || positionals[0] !== 'protocol')
    throw new UsageError('Name what to simulate: protocol.');
  const seed = parseInteger('--seed', values.seed, SEED_BOUNDS);
  const schedules = parseInteger('--schedules', values.schedules, { ...SEED_BOUNDS, min: 1 });
  const workers = parseInteger('--workers', values.workers, WORKER_BOUNDS);
  const mutation = values.mutation === undefined ? undefined : mutationName(values.mutation);
  const startedAt = performance.now();
  const batch = await runInThreads({ seed, schedules }, workers, mutation, progressOf(schedules, startedAt));
  if (batch.failed !== undefined) {
    report(batch.failed, values.trace, mutation);
    return 1;
  }
  if (values.trace && schedules === 1) {
    const { trace } = await runSchedule(seed, mutation === undefined ? undefined : MUTATIONS[mutation]);
    process.stdout.write(`${trace.join('\n')}\n`);
  }
  process.stdout.write(
    `${batch.schedules} schedules from seed ${seed}, ${batch.steps} steps, ${Math.round(rateOf(schedules, startedAt))} schedules a second: no invariant was violated.\n`,
  );
  return 0;
}

/** Schedules a second. */
const rateOf = (done: number, startedAt: number): number => done / ((performance.now() - startedAt) / 1_000);

/** Reports progress on stderr every few seconds. */
function progressOf(schedules: number, startedAt: number): (done: number) => void {
  let reportedAt = startedAt;
  return (done) => {
    if (performance.now() - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = performance.now();
    const rate = rateOf(done, startedAt);
    const left = Math.round((schedules - done) / rate);
    process.stderr.write(`${done} of ${schedules} schedules, ${Math.round(rate)} a second, ${left} s left\n`);
  };
}

function mutationName(text: string): MutationName {
  if (Object.hasOwn(MUTATIONS, text)) return text as MutationName;
  throw new UsageError(`--mutation is one of ${Object.keys(MUTATIONS).join(', ')}.`);
}

function report({ seed, complaints, trace }: Outcome, whole: boolean, mutation: string | undefined): void {
  const lines = whole ? trace : trace.slice(-SHORT_TRACE);
  const repeat = `npm run simulate -- protocol --seed ${seed} --schedules 1 --trace${mutation === undefined ? '' : ` --mutation ${mutation}`}`;
  process.stdout.write(
    `${lines.join('\n')}\n\nSchedule ${seed} violates an invariant:\n  ${[...new Set(complaints)].join('\n  ')}\nRepeat: ${repeat}\n`,
  );
}

runTool(main, USAGE);
