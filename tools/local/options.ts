// What `npm start` can be told.
import { parseArgs } from 'node:util';
import { parseSeconds, parseInteger, UsageError } from '../lib/arguments';

export interface StartOptions {
  readonly everySeconds: number;
  /** Units of each item and round. */
  readonly quota: number;
  readonly dataDir: string | undefined;
}

const EVERY_MIN_SECONDS = 10;
const EVERY_MAX_SECONDS = 86_400;

export const USAGE = `Usage: npm start [-- options]

Keeps Gravity running on this machine: Postgres, Redis, Kafka and all services on one base URL, with a flash sale that
comes round again and again. Ctrl-C stops it; the data stays.

  --every <time>        how often a round opens, 10s to 24h (default 10m)
  --quota <n>           bottles and phones on sale in each round, each (default 100)
  --data-dir <folder>   where data, secrets and logs go (default .gravity)
`;

/** Undefined when only help was asked for. Throws UsageError, or what parseArgs throws. */
export function readOptions(words: readonly string[]): StartOptions | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      every: { type: 'string', default: '10m' },
      quota: { type: 'string', default: '100' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const everySeconds = parseSeconds('--every', values.every);
  if (everySeconds < EVERY_MIN_SECONDS || everySeconds > EVERY_MAX_SECONDS)
    throw new UsageError('--every is a time from 10s to 24h.');
  return {
    everySeconds,
    quota: parseInteger('--quota', values.quota, { min: 1, max: 1_000_000 }),
    dataDir: values['data-dir'],
  };
}
