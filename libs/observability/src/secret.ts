// A value that is never printed: logs, JSON and template strings show three stars.
import { inspect } from 'node:util';

const MASK = '***';

/** Wraps a secret. Only {@link Secret.reveal} gives it back; JSON, `util.inspect` and template strings print `***`. */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The secret, for the one place that needs it. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.toPrimitive](): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
