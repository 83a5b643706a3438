// The options of `npm run demo`.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseInteger } from '../lib/arguments';

export interface DemoOptions {
  readonly buyers: number;
  /** Units of each item. */
  readonly quota: number;
  /** The same seed gives the same buyers. */
  readonly seed: number;
  readonly json: boolean;
}

export const USAGE = `Usage: npm run demo -- [options]

Starts a real Postgres, Redis and Kafka and all services, sells one round to many buyers over HTTP, and checks every
promise in Postgres. Ends with status 1 if a promise is broken.

  --buyers <n>   number of buyers (default 20000)
  --quota <n>    units of each of the two items (default 100)
  --seed <n>     the same seed gives the same buyers (default: a new one, shown in the report)
  --json         the report as one JSON object on stdout; progress on stderr
`;

/** Undefined for `--help`. Throws UsageError, or an error of parseArgs. */
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
    buyers: parseInteger('--buyers', values.buyers, { min: 10, max: 1_000_000 }),
    quota: parseInteger('--quota', values.quota, { min: 1, max: 100_000 }),
    seed:
      values.seed === undefined
        ? randomInt(1, 1_000_000)
        : parseInteger('--seed', values.seed, { min: 0, max: 4_294_967_295 }),
    json: values.json,
  };
}
