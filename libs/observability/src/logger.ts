// Writes one JSON object per line to stdout, for this code and for Nest's own messages. Every text and field is
// redacted.
import type { LoggerService } from '@nestjs/common';
import pino from 'pino';
import { redact, redactText } from './redact';
import { currentTraceIds } from './tracing';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface LoggerOptions {
  readonly service: string;
  /** Default `info`. An unknown level counts as `info`. */
  readonly level?: string;
  /** The destination of lines. Default: stdout. */
  readonly destination?: { write(line: string): void };
}

/** The logger of application code: a constant message, with fields that vary. */
export interface AppLogger {
  /** Details for the search of a fault; not written at the default level. */
  debug(message: string, fields?: LogFields): void;
  /** An ordinary, rare event, such as a start or a stop. */
  info(message: string, fields?: LogFields): void;
  /** A failure from which the service recovers without help. */
  warn(message: string, fields?: LogFields): void;
  /** A failure that needs an operator. */
  error(message: string, fields?: LogFields): void;
  /** The same logger with fields added to every line. */
  child(fields: LogFields): AppLogger;
}

// Nest logs each step of its start; these lines have level debug.
const DEBUG_CONTEXTS = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'NestMicroservice',
  'RouterExplorer',
  'RoutesResolver',
]);

/** The logger of a process: an {@link AppLogger} and a Nest `LoggerService` in one. */
export class JsonLogger implements AppLogger, LoggerService {
  constructor(private readonly sink: pino.Logger) {}

  /** Nest's information level. A string as last argument is Nest's context, an object is a set of fields. */
  log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    const isDetail = typeof context === 'string' && DEBUG_CONTEXTS.has(context);
    this.write(isDetail ? 'debug' : 'info', message, rest);
  }

  info(message: string, fields?: LogFields): void {
    this.write('info', message, [fields]);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  child(fields: LogFields): JsonLogger {
    return new JsonLogger(this.sink.child(redact(fields) as Record<string, unknown>));
  }

  private write(level: Exclude<LogLevel, 'silent'>, message: unknown, rest: readonly unknown[]): void {
    if (!this.sink.isLevelEnabled(level)) return;
    const fields: Record<string, unknown> = { ...currentTraceIds() };
    const texts: string[] = [];
    for (const extra of rest) {
      if (typeof extra === 'string') texts.push(extra);
      else if (extra instanceof Error) fields['error'] = extra;
      else if (typeof extra === 'object' && extra !== null) Object.assign(fields, extra);
    }
    // Nest passes (message, stack, context) or (message, context).
    const context = texts.pop();
    if (context !== undefined) fields['context'] = context;
    if (texts.length > 0) fields['stack'] = texts.join('\n');
    if (message instanceof Error) fields['error'] = message;
    const text =
      typeof message === 'string'
        ? message
        : message instanceof Error
          ? message.message
          : JSON.stringify(redact(message));
    this.sink[level](redact(fields) as Record<string, unknown>, redactText(text ?? ''));
  }
}

/** The logger of one process. `LOG_LEVEL` belongs in `level`. */
export function createLogger(options: LoggerOptions): JsonLogger {
  const level = (LOG_LEVELS as readonly string[]).includes(options.level ?? '') ? options.level! : 'info';
  const settings: pino.LoggerOptions = {
    level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    messageKey: 'message',
  };
  return new JsonLogger(options.destination ? pino(settings, options.destination) : pino(settings));
}
