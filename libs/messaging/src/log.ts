import { types } from 'node:util';
import type { AppLogger } from '@gravity/observability';

/** The logger of this library. */
export type MessagingLog = Pick<AppLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** Writes no lines. */
export const SILENT_LOG: MessagingLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {}

/** The message of a thrown value, at most 2,000 characters, for a log line or a column. */
export function reasonOf(error: unknown): string {
  const REASON_CHARS_MAX = 2_000;
  const message = types.isNativeError(error)
    ? `${error.name}: ${error.message}`
    : typeof error === 'string'
      ? error
      : JSON.stringify(error);
  return (message ?? String(error)).slice(0, REASON_CHARS_MAX);
}
