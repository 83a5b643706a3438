// Answers of the REST handlers.
import type { Problem } from '@gravity/contracts';
import { type HttpReply, type IdempotentAnswer, etagOf, idempotentBody, valueOrThrow } from '@gravity/http';
import type { Result } from '@gravity/kernel';

/** The body of a write, with its status, its ETag, and whether it is a stored answer. */
export function writeReply<B extends { readonly version: number }>(
  reply: HttpReply,
  result: Result<IdempotentAnswer<B>, Problem>,
): B {
  const answer = valueOrThrow(result);
  reply.header('etag', etagOf(answer.body.version));
  return idempotentBody(reply, answer);
}

/** The body of a read of one object, with its ETag. */
export function readReply<B extends { readonly version: number }>(reply: HttpReply, result: Result<B, Problem>): B {
  const body = valueOrThrow(result);
  reply.header('etag', etagOf(body.version));
  return body;
}
