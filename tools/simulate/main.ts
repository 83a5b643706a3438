// Walks through schedules of the claim protocol until one breaks a promise or all are done.
import { parseArgs } from 'node:util';
import { UsageError, parseWhole, runTool } from '../lib/arguments';
import { PLANTS, type PlantName } from './plants';
import { mostRunners, runInThreads } from './ranges';
import { type Outcome, runSchedule } from './schedule';

const USAGE = `Usage: npm run simulate -- protocol [--seed 1] [--schedules 1000000] [--workers <cores>] [--trace] [--plant <bug>]

  --seed       the first seed; every schedule has its own, one more than the one before
  --schedules  how many
  --workers    how many at a time; as many as there are cores unless told
  --trace      print every step of a failing schedule, and of the only one
  --plant      plants a known bug, to see it found: ${Object.keys(PLANTS).join(', ')}
`;
const SHORT_TRACE = 60;
const MOST = { min: 0, max: 1_000_000_000 };
const MOST_WORKERS = { min: 1, max: 256 };
const REPORT_EVERY_MS = 5_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      schedules: { type: 'string', default: '1000000' },
      workers: { type: 'string', default: String(mostRunners()) },
      trace: { type: 'boolean', default: false },
      plant: { type: 'string' },
    },
  });
  if (positionals.length !== 1 || positionals[0] !== 'protocol')
    throw new UsageError('Say what to simulate: protocol.');
  const seed = parseWhole('--seed', values.seed, MOST);
  const schedules = parseWhole('--schedules', values.schedules, { ...MOST, min: 1 });
  const workers = parseWhole('--workers', values.workers, MOST_WORKERS);
  const plant = values.plant === undefined ? undefined : plantName(values.plant);
  const startedAt = performance.now();
  const batch = await runInThreads({ seed, schedules }, workers, plant, progressOf(schedules, startedAt));
  if (batch.failed !== undefined) {
    report(batch.failed, values.trace, plant);
    return 1;
  }
  if (values.trace && schedules === 1) {
    const { trace } = await runSchedule(seed, plant === undefined ? undefined : PLANTS[plant]);
    process.stdout.write(`${trace.join('\n')}\n`);
  }
  process.stdout.write(
    `${batch.schedules} schedules from seed ${seed}, ${batch.steps} steps, ${Math.round(rateOf(schedules, startedAt))} schedules a second: every promise was kept.\n`,
  );
  return 0;
}

/** Schedules a second. */
const rateOf = (done: number, startedAt: number): number => done / ((performance.now() - startedAt) / 1_000);

/** Tells on stderr every few seconds how far it is. */
function progressOf(schedules: number, startedAt: number): (done: number) => void {
  let toldAt = startedAt;
  return (done) => {
    if (performance.now() - toldAt < REPORT_EVERY_MS) return;
    toldAt = performance.now();
    const rate = rateOf(done, startedAt);
    const left = Math.round((schedules - done) / rate);
    process.stderr.write(`${done} of ${schedules} schedules, ${Math.round(rate)} a second, ${left} s left\n`);
  };
}

function plantName(text: string): PlantName {
  if (Object.hasOwn(PLANTS, text)) return text as PlantName;
  throw new UsageError(`--plant is one of ${Object.keys(PLANTS).join(', ')}.`);
}

function report({ seed, complaints, trace }: Outcome, whole: boolean, plant: string | undefined): void {
  const lines = whole ? trace : trace.slice(-SHORT_TRACE);
  const again = `npm run simulate -- protocol --seed ${seed} --schedules 1 --trace${plant === undefined ? '' : ` --plant ${plant}`}`;
  process.stdout.write(
    `${lines.join('\n')}\n\nSchedule ${seed} breaks a promise:\n  ${[...new Set(complaints)].join('\n  ')}\nAgain: ${again}\n`,
  );
}

runTool(main, USAGE);
