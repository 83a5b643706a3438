// The options of `npm run chaos`.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseInteger, UsageError } from '../lib/arguments';
import { FAULT_KINDS, unavailableKinds } from './faults';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Names of the kinds to mix. */
  readonly kinds: readonly string[];
  readonly nodes: number;
  /** A schedule to repeat, or to make smaller. */
  readonly replay: string | undefined;
  readonly shrink: string | undefined;
  /** Seeds of a campaign; undefined for a single run. */
  readonly campaign: readonly number[] | undefined;
  readonly json: boolean;
}

const SEEDS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

export const USAGE = `Usage: npm run chaos -- [options]

Runs orders, catalogue, sandbox provider and their stores as real processes behind fault-injecting proxies, injects faults
by a schedule made from the seed, and checks every promise. Ends with status 1 if a promise is broken, with 3 if the
machine was too busy for the run to prove anything.

  --seed <n>        the same seed plans the same faults (default: a new one)
  --minutes <m>     how long faults are injected, for example 0.5 (default 1)
  --faults <a,b>    only these kinds, by name or by its beginning, for example redis,orders-kill (default: all)
  --nodes <n>       orders processes (default 2)
  --campaign        many short runs, one after another, that cover every kind; results are stored, so a campaign that
                    was stopped continues; prints the table of the fault matrix
  --seeds <a..b>    the seeds of a campaign (default 1..20)
  --kinds <a,b>     the same as --faults
  --replay <file>   run a stored schedule again
  --shrink <file>   look for a smaller schedule that still breaks a promise
  --list            the kinds of faults
  --json            the report as one JSON object on stdout; progress on stderr
`;

/** Undefined when only help was asked for. Throws UsageError, or an error of parseArgs. */
export function readOptions(words: readonly string[]): ChaosOptions | 'list' | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '1' },
      faults: { type: 'string', default: '' },
      kinds: { type: 'string', default: '' },
      campaign: { type: 'boolean', default: false },
      seeds: { type: 'string', default: '1..20' },
      nodes: { type: 'string', default: '2' },
      replay: { type: 'string' },
      shrink: { type: 'string' },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  if (values.list) return 'list';
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.1 && minutes <= 600)) throw new UsageError('--minutes is a number from 0.1 to 600.');
  return {
    seed:
      values.seed === undefined
        ? randomInt(1, 1_000_000)
        : parseInteger('--seed', values.seed, { min: 0, max: SEED_MAX }),
    minutes,
    kinds: chosenKinds([values.faults, values.kinds].filter(Boolean).join(',')),
    nodes: parseInteger('--nodes', values.nodes, { min: 1, max: 3 }),
    replay: values.replay,
    shrink: values.shrink,
    campaign: values.campaign ? parseSeeds(values.seeds) : undefined,
    json: values.json,
  };
}

function parseSeeds(text: string): number[] {
  const [first = '', last = first, ...rest] = text.split('..');
  const from = parseInteger('--seeds', first, { min: 0, max: SEED_MAX });
  const to = parseInteger('--seeds', last, { min: from, max: Math.min(SEED_MAX, from + SEEDS_MAX) });
  if (rest.length > 0) throw new UsageError('--seeds is for instance 1..20.');
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}

/** By default, all kinds that this machine can inject. A kind that is named is never left out. */
function chosenKinds(text: string): string[] {
  const all = FAULT_KINDS.map(({ name }) => name);
  const impossible = unavailableKinds().map(({ name }) => name);
  if (text === '') return all.filter((name) => !impossible.includes(name));
  const chosen = new Set<string>();
  for (const word of text.split(',')) {
    const found = all.includes(word) ? [word] : all.filter((name) => name.startsWith(`${word}-`));
    if (found.length === 0) throw new UsageError(`--faults: there is no kind or group "${word}". See --list.`);
    for (const name of found) chosen.add(name);
  }
  return all.filter((name) => chosen.has(name));
}
