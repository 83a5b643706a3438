// Request headers with a meaning of their own: Idempotency-Key, If-Match; and ETag on the way out.
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { err, ok, type Result } from '@gravity/kernel';
import type { HttpRequest } from './fastify-types';
import { valueOrThrow } from './problem-reply';

const KEY_LENGTH_MAX = 128;
// Printable ASCII without the quote and the backslash, which the header's grammar would need escaped.
const KEY = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;
const STRONG_VERSION = /^"(\d{1,15})"$/;

/** Reads an Idempotency-Key: 1 to 128 printable ASCII characters, in quotes as the draft writes it or without. */
export function parseIdempotencyKey(header: string | string[] | undefined): Result<string, Problem> {
  if (header === undefined || header === '') {
    return err({
      code: 'idempotency-key-missing',
      detail: 'Send an Idempotency-Key, new for each thing you want and the same for each retry.',
    });
  }
  const text = typeof header === 'string' ? header.trim() : '';
  const key = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  if (key.length > KEY_LENGTH_MAX || !KEY.test(key)) {
    const message = `must be 1 to ${KEY_LENGTH_MAX} printable ASCII characters`;
    const errors = [{ pointer: 'header/Idempotency-Key', message }];
    return err({ code: 'invalid-request', detail: `The Idempotency-Key ${message}.`, errors });
  }
  return ok(key);
}

/** Handler parameter: the Idempotency-Key, which must be there. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string =>
  valueOrThrow(parseIdempotencyKey(context.getArgByIndex<HttpRequest>(0).headers['idempotency-key'])),
);

/** The entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** Reads an If-Match header into the version it asks for: 428 when absent, 400 when it is not one of our tags. */
export function requireIfMatch(header: string | undefined): Result<number, Problem> {
  if (header === undefined || header === '') {
    return err({ code: 'precondition-required', detail: 'Read the object first and send its ETag as If-Match.' });
  }
  const version = STRONG_VERSION.exec(header.trim())?.[1];
  if (version === undefined) {
    const errors = [{ pointer: 'header/If-Match', message: 'must be one ETag of this object, for instance "3"' }];
    return err({ code: 'invalid-request', detail: 'If-Match must be the ETag of the object.', errors });
  }
  return ok(Number(version));
}

/** Handler parameter: the version in If-Match, which must be there. */
export const IfMatch = createParamDecorator((_data: unknown, context: ExecutionContext): number =>
  valueOrThrow(requireIfMatch(context.getArgByIndex<HttpRequest>(0).headers['if-match'])),
);
