// Request ids. Every answer has one: the caller's own id when it is short and plain, else a new one.
import { newUuid } from '@gravity/kernel';

const ACCEPTABLE = /^[\w.:-]{1,64}$/;

// A random part per process, then a counter: a UUID per request costs more.
const prefix = newUuid().replaceAll('-', '').slice(0, 20);
let counter = 0;

/** A new request id, unique over processes. */
export function newRequestId(): string {
  counter += 1;
  return `${prefix}-${counter.toString(36)}`;
}

/** The caller's request id when it is short and plain, else undefined. */
export function validRequestId(value: unknown): string | undefined {
  return typeof value === 'string' && ACCEPTABLE.test(value) ? value : undefined;
}
