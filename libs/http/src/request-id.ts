// Every answer names its request. A caller's own id is kept when it is harmless, else we give one.
import { newUuid } from '@gravity/kernel';

const ACCEPTABLE = /^[\w.:-]{1,64}$/;

// Unique per process start, then a counter: a UUID for every request would cost more than the rest of its bookkeeping.
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
