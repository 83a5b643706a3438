// Valid values of a schema, made from the API document alone: patterns, formats, lengths, bounds and enumerations, including
// their limits.
import fc from 'fast-check';
import type { ApiDescription } from '../../tools/contracts/served-api';
import type { Schema } from './sample-bodies';

/** The schema members that the generator reads, in addition to {@link Schema}. */
interface ValueSchema extends Schema {
  readonly pattern?: string;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly maxProperties?: number;
  readonly propertyNames?: ValueSchema;
  readonly not?: { readonly enum: readonly unknown[] };
}

const ITEMS_MAX = 4;
const LENGTH_MAX = 60;

/** An arbitrary valid value of the schema. */
export function validValue(api: ApiDescription, given: Schema): fc.Arbitrary<unknown> {
  const schema = merged(api, given);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objects(api, schema);
    case 'array':
      return arrays(api, schema);
    case 'integer':
    case 'number':
      return integers(schema);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return texts(schema);
    default:
      return fc.jsonValue();
  }
}

/** The schema with resolved references and merged parts of an `allOf`. */
function merged(api: ApiDescription, schema: Schema): ValueSchema {
  if (schema.$ref !== undefined) return merged(api, api.components.schemas[schema.$ref.split('/').at(-1)!] as Schema);
  const { allOf = [], ...own } = schema;
  return allOf.reduce<ValueSchema>((all, part) => ({ ...merged(api, part), ...all }), own);
}

function integers({ minimum, maximum }: ValueSchema): fc.Arbitrary<number> {
  const [min, max] = [minimum ?? Number.MIN_SAFE_INTEGER, maximum ?? Number.MAX_SAFE_INTEGER];
  return fc.oneof(
    { weight: 4, arbitrary: fc.maxSafeInteger().map((value) => inside(value, min, max)) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
  );
}

function inside(value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  const span = BigInt(max) - BigInt(min) + 1n;
  const offset = ((BigInt(value) % span) + span) % span;
  return Number(BigInt(min) + offset);
}

function texts({ format, pattern, minLength = 0, maxLength, ...schema }: ValueSchema): fc.Arbitrary<unknown> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === 'time-zone') return fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
  const regExp = new RegExp(pattern ?? '', 'u');
  const fits = (text: string): boolean =>
    regExp.test(text) &&
    !schema.not?.enum.includes(text) &&
    [...text].length >= minLength &&
    [...text].length <= (maxLength ?? Infinity);
  const examples = typeof schema.example === 'string' ? [schema.example] : [];
  return fc.oneof(...[...examples.filter(fits)].map((example) => fc.constant(example)), {
    weight: 4,
    arbitrary: matching(pattern, minLength, maxLength).filter(fits),
  });
}

/** Texts that match the pattern. Patterns that fast-check cannot read are filtered by the caller. */
function matching(pattern: string | undefined, minLength: number, maxLength: number | undefined): fc.Arbitrary<string> {
  const units = ['binary', 'grapheme-ascii', 'binary-ascii'] as const;
  const max = Math.max(minLength, Math.min(maxLength ?? LENGTH_MAX, LENGTH_MAX));
  const anyTexts = fc.oneof(...units.map((unit) => fc.string({ unit, minLength, maxLength: max })));
  // The longest text.
  const longest =
    maxLength === undefined ? [] : [fc.constantFrom('x', '茅', '🍺').map((char) => char.repeat(maxLength))];
  if (pattern === undefined || /\\p\{/.test(pattern)) return fc.oneof({ weight: 6, arbitrary: anyTexts }, ...longest);
  return fc.stringMatching(new RegExp(pattern, 'u'));
}

function arrays(
  api: ApiDescription,
  { items = {}, minItems = 0, maxItems, uniqueItems }: ValueSchema,
): fc.Arbitrary<unknown[]> {
  const bounds = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems ?? ITEMS_MAX, ITEMS_MAX)) };
  const item = validValue(api, items);
  return uniqueItems ? fc.uniqueArray(item, { ...bounds, comparator: 'SameValue' }) : fc.array(item, bounds);
}

function objects(api: ApiDescription, schema: ValueSchema): fc.Arbitrary<object> {
  const { properties, additionalProperties, propertyNames, maxProperties = ITEMS_MAX } = schema;
  if (properties === undefined && typeof additionalProperties === 'object') {
    const names =
      propertyNames === undefined ? fc.string({ maxLength: 20 }) : (texts(propertyNames) as fc.Arbitrary<string>);
    return fc.dictionary(names, validValue(api, additionalProperties), {
      maxKeys: Math.min(maxProperties, ITEMS_MAX),
      noNullPrototype: true,
    });
  }
  const members = Object.entries(properties ?? {}).map(([name, member]) => [name, validValue(api, member)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: [...(schema.required ?? [])], noNullPrototype: true });
}
