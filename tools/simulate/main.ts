// Walks through schedules of the claim protocol until one breaks a promise or all are done.
import { parseArgs } from 'node:util';
import { UsageError, parseWhole, runTool } from '../lib/arguments';
import { PLANTS, type PlantName } from './plants';
import { type Outcome, runSchedule, runSchedules } from './schedule';

const USAGE = `Usage: npm run simulate -- protocol [--seed 1] [--schedules 1000000] [--trace] [--plant <bug>]

  --seed       the first seed; every schedule has its own, one more than the one before
  --schedules  how many
  --trace      print every step of a failing schedule, and of the only one
  --plant      plants a known bug, to see it found: ${Object.keys(PLANTS).join(', ')}
`;
const SHORT_TRACE = 60;
const MOST = { min: 0, max: 1_000_000_000 };
const REPORT_EVERY = 10_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      schedules: { type: 'string', default: '1000000' },
      trace: { type: 'boolean', default: false },
      plant: { type: 'string' },
    },
  });
  if (positionals.length !== 1 || positionals[0] !== 'protocol')
    throw new UsageError('Say what to simulate: protocol.');
  const seed = parseWhole('--seed', values.seed, MOST);
  const schedules = parseWhole('--schedules', values.schedules, { ...MOST, min: 1 });
  const plant = values.plant === undefined ? {} : PLANTS[plantName(values.plant)];
  const started = performance.now();
  const rate = (done: number): number => Math.round(done / ((performance.now() - started) / 1_000));
  const batch = await runSchedules(seed, schedules, plant, (done) => {
    if (done % REPORT_EVERY === 0) process.stderr.write(`${done} schedules, ${rate(done)} a second\n`);
  });
  if (batch.failed !== undefined) {
    report(batch.failed, values.trace, values.plant);
    return 1;
  }
  if (values.trace && schedules === 1) process.stdout.write(`${(await runSchedule(seed, plant)).trace.join('\n')}\n`);
  process.stdout.write(
    `${batch.schedules} schedules from seed ${seed}, ${batch.steps} steps, ${rate(schedules)} schedules a second: every promise was kept.\n`,
  );
  return 0;
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
