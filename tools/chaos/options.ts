// What `npm run chaos` can be told.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseWhole, UsageError } from '../lib/arguments';
import { FAULT_KINDS } from './faults';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Names of the kinds to mix. */
  readonly kinds: readonly string[];
  readonly nodes: number;
  /** A schedule to play again, or to make smaller. */
  readonly replay: string | undefined;
  readonly shrink: string | undefined;
  readonly json: boolean;
}

export const USAGE = `Usage: npm run chaos -- [options]

Runs orders processes, sandbox payments and their stores as real processes behind fault-injecting proxies, breaks them
by a schedule made from the seed, and checks what was promised. Ends with status 1 if a promise was broken.

  --seed <n>        the same seed plans the same faults (default: a new one)
  --minutes <m>     how long to break things, for instance 0.5 (default 1)
  --faults <a,b>    only these kinds; a name or its beginning, for instance redis,orders-kill (default: all)
  --nodes <n>       orders processes (default 2)
  --replay <file>   play a written schedule again
  --shrink <file>   look for the fewest of its faults that still break a promise
  --list            the kinds of faults
  --json            the report as one JSON object on stdout; progress on stderr
`;

/** Undefined when only help was asked for. Throws UsageError, or what parseArgs throws. */
export function readOptions(words: readonly string[]): ChaosOptions | 'list' | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '1' },
      faults: { type: 'string', default: '' },
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
        : parseWhole('--seed', values.seed, { min: 0, max: 4_294_967_295 }),
    minutes,
    kinds: chosenKinds(values.faults),
    nodes: parseWhole('--nodes', values.nodes, { min: 1, max: 3 }),
    replay: values.replay,
    shrink: values.shrink,
    json: values.json,
  };
}

function chosenKinds(text: string): string[] {
  const all = FAULT_KINDS.map(({ name }) => name);
  if (text === '') return all;
  const chosen = new Set<string>();
  for (const word of text.split(',')) {
    const found = all.includes(word) ? [word] : all.filter((name) => name.startsWith(`${word}-`));
    if (found.length === 0) throw new UsageError(`--faults: nothing is called "${word}". See --list.`);
    for (const name of found) chosen.add(name);
  }
  return all.filter((name) => chosen.has(name));
}
