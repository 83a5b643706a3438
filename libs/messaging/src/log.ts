import { types } from 'node:util';
import type { AppLogger } from '@gravity/observability';

/** What this library needs of a logger. */
export type MessagingLog = Pick<AppLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** Says nothing. */
export const SILENT_LOG: MessagingLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {}

/** The message of whatever was thrown, kept short enough for a log line or a column. */
export function reasonOf(error: unknown): string {
  const REASON_CHARS_MAX = 2_000;
  const message = types.isNativeError(error)
    ? `${error.name}: ${error.message}`
    : typeof error === 'string'
      ? error
      : JSON.stringify(error);
  return (message ?? String(error)).slice(0, REASON_CHARS_MAX);
}
