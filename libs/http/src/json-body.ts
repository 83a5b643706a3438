// JSON bodies. A body that two readers could understand differently (a duplicate member, a member named __proto__,
// broken UTF-8) is refused before validation. secure-json-parse finds prototypes. Duplicate members are found here by
// counting, because JSON.parse drops one of them.
import { isUtf8 } from 'node:buffer';
import { parse as parseSecurely } from 'secure-json-parse';
import type { HttpRequest, HttpServer } from './fastify-types';
import { invalidRequest } from './problem-reply';

const DEPTH_MAX = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;

/** Makes application/json the only accepted body. An empty body counts as no body. */
export function readJsonBodies(server: HttpServer): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, readBody(request, body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function readBody(request: HttpRequest, body: Buffer): unknown {
  if (body.length === 0) return undefined;
  request.rawBody = body;
  if (!isUtf8(body)) throw refuse('The body is not UTF-8.');
  return parseJson(body.toString('utf8'));
}

/** Parses JSON strictly; throws `invalid-request`. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = parseSecurely(text);
  } catch {
    throw refuse('The body is not valid JSON, or it has a member that is never accepted (__proto__).');
  }
  if (countMembers(value, 0) !== countColons(text)) throw refuse('An object has a duplicate member.');
  return value;
}

// In valid JSON every colon outside a string belongs to one member. JSON.parse keeps one of two members with the same
// name, so the parsed value then has fewer members than the text.
function countColons(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === COLON) colons += 1;
    else if (char === QUOTE) at = endOfString(text, at);
  }
  return colons;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

function countMembers(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= DEPTH_MAX) throw refuse(`The body is nested deeper than ${DEPTH_MAX} levels.`);
  let members = 0;
  if (Array.isArray(value)) {
    for (const entry of value) members += countMembers(entry, depth + 1);
    return members;
  }
  for (const name of Object.keys(value)) {
    members += 1 + countMembers((value as Record<string, unknown>)[name], depth + 1);
  }
  return members;
}

function refuse(detail: string): Error {
  return invalidRequest([], detail);
}
