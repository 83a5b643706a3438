// Rules for every operation of the API document, beyond a valid document.
import { ERRORS } from '@gravity/contracts';
import { ROLES } from '@gravity/http';
import type { ApiDescription, ApiOperation } from './served-api';

const OPERATION_ID = /^[a-z][A-Za-z0-9]*$/;
const CALLERS: ReadonlySet<string> = new Set([...ROLES, 'anybody']);
const TAG = /^[a-z][a-z-]*$/;
const MEMBER = /^[a-z][A-Za-z0-9]*$/;
/** A status or content type that marks an answer without a JSON body. */
const WITHOUT_JSON = new Set(['204', 'text/event-stream']);

/** Every operation of the document. `place` names it in messages. */
export function operationsOf(
  api: ApiDescription,
): { place: string; path: string; method: string; operation: ApiOperation }[] {
  return Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      place: `${method.toUpperCase()} ${path}`,
      path,
      method: method.toUpperCase(),
      operation,
    })),
  );
}

/** The faults of the document; empty when there are none. */
export function lintApi(api: ApiDescription): string[] {
  const faults: string[] = api.openapi === '3.1.0' ? [] : [`the document says OpenAPI ${api.openapi}, not 3.1.0`];
  const places = new Map<string, string>();
  for (const { place, path, method, operation } of operationsOf(api)) {
    const id = operation.operationId ?? '';
    const other = places.get(id);
    if (other !== undefined) faults.push(`${place}: operationId ${id} is taken by ${other}`);
    places.set(id, place);
    faults.push(...lintOperation(method, path, operation).map((fault) => `${place}: ${fault}`));
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    faults.push(...lintMembers(name, schema), ...lintBounds(`schema ${name}`, schema));
  }
  return faults;
}

function lintOperation(method: string, path: string, operation: ApiOperation): string[] {
  const faults: string[] = [];
  if (!OPERATION_ID.test(operation.operationId ?? '')) faults.push('has no camelCase operationId');
  if ((operation.summary ?? '').trim() === '') faults.push('has no summary');
  if ((operation.tags ?? []).length === 0) faults.push('has no tag');
  for (const tag of operation.tags ?? [])
    if (!TAG.test(tag)) faults.push(`has the tag ${tag}, which is not lower-case words`);
  const callers = operation['x-callers'] ?? [];
  if (callers.length === 0) faults.push('names no callers');
  for (const caller of callers) if (!CALLERS.has(caller)) faults.push(`names the unknown caller ${caller}`);
  const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map((one) => one.name);
  if (named.sort().join() !== declared.sort().join())
    faults.push(`declares path parameters [${declared.join()}], the path has [${named.join()}]`);
  for (const { name, schema } of operation.parameters ?? []) faults.push(...lintBounds(`parameter ${name}`, schema));
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {}))
    faults.push(...lintBounds(`body ${type}`, schema));
  const takesKey = (operation.parameters ?? []).some((one) => one.in === 'header' && one.name === 'Idempotency-Key');
  // PUT and DELETE are repeatable by themselves.
  if (takesKey && method !== 'POST') faults.push('asks for an Idempotency-Key, which belongs to POST alone');
  return [...faults, ...lintResponses(operation)];
}

/** What a schema leaves open: texts of any form and length, numbers and lists without bounds. */
function lintBounds(place: string, given: unknown): string[] {
  if (typeof given !== 'object' || given === null) return [`${place} has no schema`];
  const schema = given as Bounded;
  const parts = [
    ...(schema.items === undefined ? [] : lintBounds(`${place}[]`, schema.items)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => lintBounds(`${place}.${name}`, part)),
    ...[...(schema.allOf ?? []), ...(schema.anyOf ?? [])].flatMap((part) => lintBounds(place, part)),
    ...(typeof schema.additionalProperties === 'object' ? lintBounds(`${place}.*`, schema.additionalProperties) : []),
  ];
  const fault = schema.type === 'null' ? undefined : looseness(schema);
  return fault === undefined ? parts : [`${place} ${fault}`, ...parts];
}

interface Bounded {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: object;
  readonly properties?: Readonly<Record<string, object>>;
  readonly allOf?: readonly object[];
  readonly anyOf?: readonly object[];
  readonly additionalProperties?: boolean | object;
}

function looseness(schema: Bounded): string | undefined {
  if ((schema.$ref ?? schema.allOf ?? schema.anyOf ?? schema.enum) !== undefined) return undefined;
  const types = [schema.type].flat().filter((type) => type !== 'null');
  switch (types[0]) {
    case 'string':
      return (schema.format ?? schema.pattern ?? schema.maxLength) === undefined
        ? 'is a text without format, pattern, enum or length'
        : undefined;
    case 'integer':
    case 'number':
      return schema.minimum === undefined || schema.maximum === undefined ? 'is a number without bounds' : undefined;
    case 'array':
      return schema.maxItems === undefined ? 'is a list without maxItems' : undefined;
    case 'object':
      return schema.properties === undefined && schema.maxProperties === undefined
        ? 'is a map without maxProperties'
        : undefined;
    case 'boolean':
      return undefined;
    default:
      return schema.properties === undefined ? 'has no type' : undefined;
  }
}

function lintResponses(operation: ApiOperation): string[] {
  const faults: string[] = [];
  const entries = Object.entries(operation.responses);
  const successes = entries.filter(([status]) => status.startsWith('2'));
  if (successes.length === 0) faults.push('declares no success');
  if (successes.length > 0 && successes.every(([status, answer]) => status !== '204' && answer.content === undefined))
    faults.push(`has no body schema for ${successes.map(([status]) => status).join(', ')}`);
  for (const [status, answer] of entries) {
    if ((answer.description ?? '').trim() === '') faults.push(`has no description for ${status}`);
    if (status === 'default') faults.push('has a default response');
    if (status.startsWith('2') && !WITHOUT_JSON.has(status)) {
      for (const [type, { schema }] of Object.entries(answer.content ?? {}))
        if (schema === undefined && !WITHOUT_JSON.has(type)) faults.push(`has no schema for ${status} ${type}`);
    } else if (!status.startsWith('2') && answer.content?.['application/problem+json'] === undefined) {
      faults.push(`does not answer ${status} with a problem document`);
    }
  }
  return faults;
}

function lintMembers(name: string, schema: unknown): string[] {
  const properties = (schema as { properties?: Record<string, unknown> }).properties ?? {};
  return Object.keys(properties)
    .filter((member) => !MEMBER.test(member))
    .map((member) => `schema ${name}: ${member} is not camelCase`);
}

/** The codes that an operation declares for a status. */
export function declaredCodes(operation: ApiOperation, status: number): string[] {
  const schema = operation.responses[String(status)]?.content?.['application/problem+json']?.schema;
  const parts = (schema as { allOf?: { properties?: { code?: { enum?: string[] } } }[] } | undefined)?.allOf ?? [];
  return parts.flatMap((part) => part.properties?.code?.enum ?? []);
}

/** Codes in the document that are not in the registry. */
export function unknownCodes(api: ApiDescription): string[] {
  return operationsOf(api).flatMap(({ place, operation }) =>
    Object.keys(operation.responses).flatMap((status) =>
      declaredCodes(operation, Number(status))
        .filter((code) => !Object.hasOwn(ERRORS, code))
        .map((code) => `${place}: ${code} is not in the registry of codes`),
    ),
  );
}
