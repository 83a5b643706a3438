// Reads command-line options and reports errors in them.

/** An error in the command line. The message says what is expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The signals that stop a tool, with their exit statuses. */
export const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of a duration such as `30s`, `10m` or `1h`. Throws UsageError. */
export function parseSeconds(option: string, text: string): number {
  const [, digits, unit] = /^(\d{1,7})([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits ?? 0) * (UNITS[unit === undefined || unit === '' ? 's' : unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new UsageError(`${option} is a time such as 30s, 10m or 1h, not "${text}".`);
}

/** An integer within inclusive bounds. Throws UsageError. */
export function parseInteger(
  option: string,
  text: string,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= bounds.min && value <= bounds.max) return value;
  throw new UsageError(`${option} is an integer from ${bounds.min} to ${bounds.max}, not "${text}".`);
}

/** Runs the main function of a tool and ends the process with its status. An error becomes one line on stderr. */
export function runTool(main: () => Promise<number>, usage: string): void {
  main().then(
    (status) => process.exit(status),
    (error: unknown) => {
      process.stderr.write(`${describe(error)}\n${isUsage(error) ? `\n${usage}` : ''}`);
      process.exit(isUsage(error) ? 2 : 1);
    },
  );
}

// Node's parseArgs throws its own errors for unknown options.
function isUsage(error: unknown): boolean {
  return (
    error instanceof UsageError || String((error as { code?: unknown } | undefined)?.code).startsWith('ERR_PARSE_ARGS')
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return process.env['DEBUG'] === undefined ? `${error.message}${cause}` : `${error.stack ?? error.message}${cause}`;
}
