// The options of `npm start`.
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

Runs Gravity on this machine: Postgres, Redis, Kafka and all services on one base URL, with a recurring flash sale.
Ctrl-C stops it; the data stays.

  --every <time>        how often a round opens, 10s to 24h (default 10m)
  --quota <n>           units of each of the two items in a round (default 100)
  --data-dir <folder>   folder for data, secrets and logs (default .gravity)
`;

/** Undefined for `--help`. Throws UsageError, or an error of parseArgs. */
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
