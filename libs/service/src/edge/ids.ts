// Ids of paths and bodies: TypeIDs on the wire, uuids inside.
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import type { HttpRequest } from '@gravity/http';
import { valueOrThrow } from '@gravity/http';
import { assert, type IdKind, ok, uuidFromId } from '@gravity/kernel';
import { notFound } from './ownership';
import { id } from './value';

/**
 * Handler parameter: the uuid of the object that the path names, `:skuId` for a `sku`. Throws `not-found` for a text
 * that is no such id.
 */
export function IdParam(kind: IdKind): ParameterDecorator {
  const name = `${kind}Id`;
  const { schema } = id(kind);
  const read = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
    const text = (context.getArgByIndex<HttpRequest>(0).params as Record<string, string>)[name] ?? '';
    const uuid = uuidFromId(kind, text);
    return valueOrThrow(uuid === undefined ? notFound(kind, text) : ok(uuid));
  });
  return (target, key, index) => {
    read()(target, key, index);
    const descriptor = Object.getOwnPropertyDescriptor(target, key!)!;
    ApiParam({ name, schema: schema })(target, key!, descriptor);
  };
}

/** The uuid inside an id of a checked body or query. */
export function uuidOf(kind: IdKind, text: string): string {
  const uuid = uuidFromId(kind, text);
  assert(uuid !== undefined, `not the id of a ${kind}: ${text.slice(0, 64)}`);
  return uuid;
}
