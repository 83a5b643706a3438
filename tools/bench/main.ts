// `npm run bench`: measures throughput, latency and CPU time on one machine, as ratios to the bare server.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAll } from './measure';
import { floorsOf, printTable } from './report';
import { BUYERS } from './row';
import { chosenRows, GROUPS } from './rows';
import { type BenchSystem, startSystem } from './system';

const HELP = `Usage: npm run bench -- [options]

  --json          one object on stdout; progress goes to stderr
  --seconds N     how long each row is measured (default 5)
  --times N       how many times all rows are measured; the report shows medians (default 1)
  --rows A,B      only these rows or groups, and the bare server (default core; about five minutes):
${Object.entries(GROUPS)
  .map(([group, rows]) => `                  ${group}: ${rows.map(({ name }) => name).join(', ')}`)
  .join('\n')}
  --profile DIR   writes a CPU profile of each service and row to DIR (open in a browser's developer tools)
  --help`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      seconds: { type: 'string', default: '5' },
      times: { type: 'string', default: '1' },
      rows: { type: 'string', default: 'core' },
      profile: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(`${HELP}\n`);
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 600)) throw new Error('--seconds takes a number from 1 to 600.');
  const times = Number(values.times);
  if (!Number.isInteger(times) || times < 1 || times > 100) throw new Error('--times takes an integer from 1 to 100.');
  const kinds = chosenRows(values.rows);
  const profileDir = values.profile === undefined ? undefined : resolve(values.profile);
  if (profileDir !== undefined) await mkdir(profileDir, { recursive: true });
  const buyers = Math.max(...kinds.map((kind) => kind.buyers ?? BUYERS));
  let system: BenchSystem | undefined;
  try {
    system = await startSystem({ buyers, measureMs: seconds * 1_000, profileDir, say });
    stopOnSignals(system);
    const rows = await measureAll(system, kinds, times);
    const floors = floorsOf(rows);
    if (values.json === true) process.stdout.write(`${JSON.stringify({ rows, floors })}\n`);
    else printTable(rows, floors);
  } finally {
    await system?.stop();
  }
}

/** Stops the services when only this process, and not its process group, gets the signal. */
function stopOnSignals(system: BenchSystem): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void system.stop().finally(() => process.exit(1)));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
