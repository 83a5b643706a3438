// Decorators of request and answer members. Each carries the check and the schema of one value, so the API document
// says exactly what a request is checked for.
import { applyDecorators, type Type as Class } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsDefined,
  IsObject,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { JsonSchema } from '@gravity/http';
import { ID_PREFIXES, type IdKind } from '@gravity/kernel';
import * as values from './value';

export interface FieldOptions {
  /** The member may be left out. Default false. */
  readonly optional?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  /** What stands for a member that is left out, for the API document. */
  readonly default?: unknown;
  /** The member is a query parameter, which arrives as text. Default false. */
  readonly query?: boolean;
  /** An answer may hold null. Default false; requests leave such a member out. */
  readonly nullable?: boolean;
}

const VALUES = Symbol('gravity:values');
const isGiven = (_object: object, value: unknown): boolean => value !== undefined;

interface Member {
  readonly schema: () => JsonSchema;
  readonly optional: boolean;
}

/** A member that holds a value of this kind. The other decorators are this one with a value of their own. */
export function Field(value: values.Value, options: FieldOptions = {}): PropertyDecorator {
  const decorators = [
    ApiProperty({ ...value.schema, ...described(options, value.schema['type'] === 'object') }),
    ValidateBy({ name: 'fits', validator: { validate: value.fits, defaultMessage: () => `$property ${value.must}` } }),
    remember(() => value.schema, options),
  ];
  if (options.optional) decorators.push(ValidateIf(isGiven));
  const convert = options.query ? fromQuery(value.schema['type']) : undefined;
  if (convert) decorators.push(Transform(({ value: given }: { value: unknown }) => convert(given)));
  return applyDecorators(...decorators);
}

/** A text that people read. */
export const TextField = (options: FieldOptions & values.TextOptions): PropertyDecorator =>
  Field(values.text(options), options);

/** A text of an answer, which may be older than the rules for new texts. */
export const TextViewField = (options: FieldOptions & { readonly max: number }): PropertyDecorator =>
  Field(values.anyText(options.max), options);

/** A code that people type. */
export const CodeField = (options?: FieldOptions): PropertyDecorator => Field(values.code(), options);

/** The id of an object. */
export const IdField = (kind: IdKind, options?: FieldOptions): PropertyDecorator =>
  Field(values.id(kind), { example: `${ID_PREFIXES[kind]}_01jcw8k3zqe6vrh5t2m9xa0001`, ...options });

/** A moment, RFC 3339. */
export const TimeField = (options?: FieldOptions): PropertyDecorator =>
  Field(values.time(), { example: '2026-11-20T12:00:00.000Z', ...options });

/** A country or subdivision, ISO 3166. */
export const RegionField = (options?: FieldOptions): PropertyDecorator =>
  Field(values.region(), { example: 'CN-11', ...options });

/** A whole number within bounds. */
export const IntegerField = (
  options: FieldOptions & { readonly min: number; readonly max: number },
): PropertyDecorator => Field(values.integer(options), options);

/** A count or a version in an answer. */
export const CountField = (options?: FieldOptions): PropertyDecorator =>
  Field(values.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), options);

/** One of some texts. */
export const EnumField = (choices: readonly string[], options?: FieldOptions): PropertyDecorator =>
  Field(values.oneOf(choices), options);

/** True or false. */
export const FlagField = (options?: FieldOptions): PropertyDecorator => Field(values.flag(), options);

/** Names with short texts. */
export const AttributesField = (options?: FieldOptions): PropertyDecorator => Field(values.attributes(), options);

/** A list of values of one kind, or of bodies of a class. */
export function ListField(
  item: values.Value | Class<object>,
  options: FieldOptions & values.ListOptions,
): PropertyDecorator {
  if (typeof item !== 'function') return Field(values.list(item, options), options);
  const { min = 0, max } = options;
  return applyDecorators(
    ApiProperty({ type: [item], minItems: min, maxItems: max, ...described(options, false) }),
    remember(() => ({ type: 'array', items: schemaOf(item), minItems: min, maxItems: max }), options),
    ...(options.optional ? [ValidateIf(isGiven)] : []),
    IsArray(),
    ArrayMinSize(min),
    ArrayMaxSize(max),
    // Without it the bodies inside a list within the list are checked, and the list is taken for a body.
    IsObject({ each: true }),
    ValidateNested({ each: true }),
    Type(() => item),
  );
}

/** A body of a class inside another one. */
export function ObjectField(type: Class<object>, options: FieldOptions = {}): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type, ...described(options, false) }),
    remember(() => schemaOf(type), options),
    options.optional ? ValidateIf(isGiven) : IsDefined(),
    IsObject(),
    ValidateNested(),
    Type(() => type),
  );
}

/**
 * The JSON Schema of a class whose members carry these decorators, for `compileBody`: the same values as in the API
 * document and in the checks of the class.
 */
export function schemaOf(type: Class<object>): JsonSchema {
  const members = Object.entries(membersOf(type.prototype as object));
  return {
    type: 'object',
    additionalProperties: false,
    required: members.filter(([, { optional }]) => !optional).map(([name]) => name),
    properties: Object.fromEntries(members.map(([name, { schema }]) => [name, schema()])),
  };
}

function membersOf(prototype: object): Readonly<Record<string, Member>> {
  return (Reflect.getMetadata(VALUES, prototype) ?? {}) as Record<string, Member>;
}

function remember(schema: () => JsonSchema, { optional = false }: FieldOptions): PropertyDecorator {
  return (prototype, name) => {
    const members = { ...membersOf(prototype), [name as string]: { schema, optional } };
    Reflect.defineMetadata(VALUES, members, prototype);
  };
}

function described({ optional = false, description, example, ...more }: FieldOptions, isObject: boolean): object {
  return {
    // For objects, `required` names the members of the object itself.
    ...(isObject ? { selfRequired: !optional } : { required: !optional }),
    ...(description === undefined ? {} : { description }),
    ...(example === undefined ? {} : { example }),
    ...(more.default === undefined ? {} : { default: more.default }),
    ...(more.nullable ? { nullable: true } : {}),
  };
}

/** Query parameters are texts; one that cannot be converted stays as it is and fails its check. */
function fromQuery(type: unknown): ((given: unknown) => unknown) | undefined {
  switch (type) {
    case 'integer':
      return (given) => (typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : given);
    case 'boolean':
      return (given) => (given === 'true' ? true : given === 'false' ? false : given);
    case 'array':
      return (given) => (given === undefined || Array.isArray(given) ? given : [given]);
    default:
      return undefined;
  }
}
