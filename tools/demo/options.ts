// What `npm run demo` can be told.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseWhole } from '../lib/arguments';

export interface DemoOptions {
  readonly buyers: number;
  /** Units of each item. */
  readonly quota: number;
  /** The same seed gives the same crowd. */
  readonly seed: number;
  readonly json: boolean;
}

export const USAGE = `Usage: npm run demo -- [options]

Starts a real Postgres, Redis and Kafka and all services, sells one round to a crowd over HTTP, and checks in
Postgres what was promised. Ends with status 1 if a promise was broken.

  --buyers <n>   how many come (default 20000)
  --quota <n>    bottles and phones on sale, each (default 100)
  --seed <n>     the same seed brings the same crowd (default: a new one, shown in the report)
  --json         the report as one JSON object on stdout; progress on stderr
`;

/** Undefined when only help was asked for. Throws UsageError, or what parseArgs throws. */
export function readOptions(words: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      buyers: { type: 'string', default: '20000' },
      quota: { type: 'string', default: '100' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  return {
    buyers: parseWhole('--buyers', values.buyers, { min: 10, max: 1_000_000 }),
    quota: parseWhole('--quota', values.quota, { min: 1, max: 100_000 }),
    seed:
      values.seed === undefined
        ? randomInt(1, 1_000_000)
        : parseWhole('--seed', values.seed, { min: 0, max: 4_294_967_295 }),
    json: values.json,
  };
}
