// Ids and other texts of paths, and what checked texts mean: TypeIDs on the wire, uuids inside.
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { refuse } from '@gravity/contracts';
import type { HttpRequest } from '@gravity/http';
import { valueOrThrow } from '@gravity/http';
import { assert, type IdKind, ok, parseRfc3339, uuidFromId } from '@gravity/kernel';
import { notFound } from './ownership';
import { id, type Value } from './value';

/**
 * Handler parameter: the uuid of the object that the path names, `:skuId` for a `sku`. Throws `not-found` for a text
 * that is no such id.
 */
export function IdParam(kind: IdKind): ParameterDecorator {
  return param(`${kind}Id`, id(kind), (text) => idOf(kind, text));
}

/** The uuid inside an id of a path or a message. Throws `not-found` for any other text. */
export function idOf(kind: IdKind, text: string): string {
  const uuid = uuidFromId(kind, text);
  return valueOrThrow(uuid === undefined ? notFound(kind, text) : ok(uuid));
}

/** Handler parameter: a text of the path. Throws `not-found` for one that is no such value. */
export function PathParam(name: string, value: Value): ParameterDecorator {
  return param(name, value, (text) =>
    valueOrThrow(value.fits(text) ? ok(text) : refuse('not-found', `There is nothing at ${text.slice(0, 64)}.`)),
  );
}

function param(name: string, { schema }: Value, read: (text: string) => string): ParameterDecorator {
  const decorate = createParamDecorator((_data: unknown, context: ExecutionContext): string =>
    read((context.getArgByIndex<HttpRequest>(0).params as Record<string, string>)[name] ?? ''),
  );
  return (target, key, index) => {
    decorate()(target, key, index);
    const descriptor = Object.getOwnPropertyDescriptor(target, key!)!;
    ApiParam({ name, schema })(target, key!, descriptor);
  };
}

/** The uuid inside an id of a checked body or query. */
export function uuidOf(kind: IdKind, text: string): string {
  const uuid = uuidFromId(kind, text);
  assert(uuid !== undefined, `not the id of a ${kind}: ${text.slice(0, 64)}`);
  return uuid;
}

/** The instant in a checked time, in milliseconds since the Unix epoch. */
export function instantOf(text: string): number {
  const ms = parseRfc3339(text);
  assert(ms !== undefined, `not a time: ${text.slice(0, 64)}`);
  return ms;
}
