// The request headers Idempotency-Key and If-Match, and the answer's ETag.
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { err, ok, type Result } from '@gravity/kernel';
import type { HttpRequest } from './fastify-types';
import { valueOrThrow } from './problem-reply';

const KEY_LENGTH_MAX = 128;
// Printable ASCII without the quote and the backslash, which the header's grammar escapes.
const KEY = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

/** Reads an Idempotency-Key: 1 to 128 printable ASCII characters, with the quotes of the draft or without. */
export function parseIdempotencyKey(header: string | string[] | undefined): Result<string, Problem> {
  if (header === undefined || header === '') {
    return err({
      code: 'idempotency-key-missing',
      detail: 'Send an Idempotency-Key: a new one for each command, the same one for each retry.',
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

/** Handler parameter: the required Idempotency-Key. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string =>
  valueOrThrow(parseIdempotencyKey(context.getArgByIndex<HttpRequest>(0).headers['idempotency-key'])),
);

/** The entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The versions that a request accepts: those of its If-Match header, or any. */
export class VersionMatch {
  /** Accepts every version: `If-Match: *`. */
  static readonly ANY = new VersionMatch(undefined);

  private constructor(private readonly versions: ReadonlySet<number> | undefined) {}

  /** Accepts exactly these versions. */
  static of(...versions: readonly number[]): VersionMatch {
    return new VersionMatch(new Set(versions));
  }

  /** `stale-version` unless the object is at one of the accepted versions. */
  check(current: number): Result<void, Problem> {
    if (this.versions === undefined || this.versions.has(current)) return ok(undefined);
    return err({
      code: 'stale-version',
      detail: `The object is at version ${current}. Read it again and repeat the change.`,
    });
  }

  /** `"1", "7"` or `*`: equal texts accept the same versions. */
  toString(): string {
    return this.versions === undefined
      ? '*'
      : [...this.versions]
          .sort((a, b) => a - b)
          .map(etagOf)
          .join(', ');
  }

  toJSON(): string {
    return this.toString();
  }
}

// RFC 9110 §8.8.3: an opaque tag contains no quote, so a comma inside the quotes does not end it. Each run of white space
// matches in one way only: a header of blanks costs no more than one of tags.
const TAGS = /\s*(?:(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*)?(?:,|$)/gy;
// As `etagOf` writes it: tags are compared as texts, so "01" is another one.
const VERSION = /^(?:0|[1-9]\d{0,14})$/;

/**
 * Reads If-Match (RFC 9110 §13.1.1): one tag, a list of tags, or `*`. Tags are compared weakly, because proxies that
 * compress an answer weaken its tag. An unknown tag matches no version. 428 when absent, 400 when malformed.
 */
export function requireIfMatch(header: string | string[] | undefined): Result<VersionMatch, Problem> {
  const text = (typeof header === 'string' ? header : (header ?? []).join(',')).trim();
  if (text === '') {
    return err({ code: 'precondition-required', detail: 'Read the object first and send its ETag as If-Match.' });
  }
  if (text === '*') return ok(VersionMatch.ANY);
  const tags = [...text.matchAll(TAGS)];
  const read = tags.reduce((length, [tag]) => length + tag.length, 0);
  const opaque = tags.flatMap(([, tag]) => tag ?? []);
  if (read !== text.length || opaque.length === 0) {
    const errors = [{ pointer: 'header/If-Match', message: 'must be ETags of the object, for instance "3", or *' }];
    return err({
      code: 'invalid-request',
      detail: 'If-Match must be the ETag of the object, a list of them or *.',
      errors,
    });
  }
  return ok(VersionMatch.of(...opaque.filter((tag) => VERSION.test(tag)).map(Number)));
}
