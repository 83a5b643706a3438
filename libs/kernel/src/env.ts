// Reads configuration from the environment, once at start. A failure is one line that names every missing or malformed
// key.

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One or more configuration keys are missing or malformed. The message lists all of them. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Reads typed values and collects every fault; call {@link EnvReader.done} after the last one. */
export class EnvReader {
  private readonly faults: string[] = [];

  constructor(private readonly env: Environment) {}

  /** A text. Required unless a default is given. */
  text(key: string, fallback?: string): string {
    const value = this.env[key];
    if (value !== undefined && value !== '') return value;
    if (fallback === undefined) this.faults.push(`${key} is not set`);
    return fallback ?? '';
  }

  /** A text that may be absent. */
  optional(key: string): string | undefined {
    const value = this.env[key];
    return value === '' ? undefined : value;
  }

  /** A whole number within bounds, both inclusive. */
  integer(key: string, fallback: number, bounds: { min: number; max: number }): number {
    const text = this.env[key];
    if (text === undefined || text === '') return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value < bounds.min || value > bounds.max) {
      this.faults.push(`${key}=${text} is not a whole number from ${bounds.min} to ${bounds.max}`);
    }
    return value;
  }

  /** `true` or `false`. */
  flag(key: string, fallback: boolean): boolean {
    const text = this.env[key];
    if (text === undefined || text === '') return fallback;
    if (text !== 'true' && text !== 'false') this.faults.push(`${key}=${text} is neither true nor false`);
    return text === 'true';
  }

  /** A comma-separated list; empty when the key is absent. */
  list(key: string): string[] {
    return (this.env[key] ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  /** Adds a fault unless the condition holds. The text must not contain a secret. */
  check(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(fault);
  }

  /** Throws {@link ConfigurationError} with all faults, if there are any. */
  done(): void {
    if (this.faults.length > 0) throw new ConfigurationError(`Configuration: ${this.faults.join('; ')}.`);
  }
}
