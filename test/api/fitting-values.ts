// Values that a schema of the API document calls good, made from the document alone, as a client does that knows nothing
// else: patterns, formats, lengths, bounds and enumerations, at their limits too.
import fc from 'fast-check';
import type { ApiDescription } from '../../tools/contracts/served-api';
import type { Schema } from './sample-bodies';

/** What the generator reads beside the members that samples need. */
interface FittingSchema extends Schema {
  readonly pattern?: string;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly maxProperties?: number;
  readonly propertyNames?: FittingSchema;
  readonly not?: { readonly enum: readonly unknown[] };
}

const ITEMS_MAX = 4;
const LENGTH_MAX = 60;

/** Any value of the schema. */
export function fittingValue(api: ApiDescription, given: Schema): fc.Arbitrary<unknown> {
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

/** The schema behind references, with the parts of an `allOf` put together. */
function merged(api: ApiDescription, schema: Schema): FittingSchema {
  if (schema.$ref !== undefined) return merged(api, api.components.schemas[schema.$ref.split('/').at(-1)!] as Schema);
  const { allOf = [], ...own } = schema;
  return allOf.reduce<FittingSchema>((all, part) => ({ ...merged(api, part), ...all }), own);
}

function integers({ minimum, maximum }: FittingSchema): fc.Arbitrary<number> {
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

function texts({ format, pattern, minLength = 0, maxLength, ...schema }: FittingSchema): fc.Arbitrary<unknown> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === 'time-zone') return fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
  const form = new RegExp(pattern ?? '', 'u');
  const fits = (text: string): boolean =>
    form.test(text) &&
    !schema.not?.enum.includes(text) &&
    [...text].length >= minLength &&
    [...text].length <= (maxLength ?? Infinity);
  const examples = typeof schema.example === 'string' ? [schema.example] : [];
  return fc.oneof(...[...examples.filter(fits)].map((example) => fc.constant(example)), {
    weight: 4,
    arbitrary: matching(pattern, minLength, maxLength).filter(fits),
  });
}

/** Texts of the pattern; of its alphabet where fast-check cannot read it. */
function matching(pattern: string | undefined, minLength: number, maxLength: number | undefined): fc.Arbitrary<string> {
  const anyText = ['binary', 'grapheme-ascii', 'binary-ascii'] as const;
  const max = Math.max(minLength, Math.min(maxLength ?? LENGTH_MAX, LENGTH_MAX));
  const free = fc.oneof(...anyText.map((unit) => fc.string({ unit, minLength, maxLength: max })));
  // The longest text, of a character that shows.
  const longest =
    maxLength === undefined ? [] : [fc.constantFrom('x', '茅', '🍺').map((char) => char.repeat(maxLength))];
  if (pattern === undefined || /\\p\{/.test(pattern)) return fc.oneof({ weight: 6, arbitrary: free }, ...longest);
  return fc.stringMatching(new RegExp(pattern, 'u'));
}

function arrays(
  api: ApiDescription,
  { items = {}, minItems = 0, maxItems, uniqueItems }: FittingSchema,
): fc.Arbitrary<unknown[]> {
  const bounds = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems ?? ITEMS_MAX, ITEMS_MAX)) };
  const item = fittingValue(api, items);
  return uniqueItems ? fc.uniqueArray(item, { ...bounds, comparator: 'SameValue' }) : fc.array(item, bounds);
}

function objects(api: ApiDescription, schema: FittingSchema): fc.Arbitrary<object> {
  const { properties, additionalProperties, propertyNames, maxProperties = ITEMS_MAX } = schema;
  if (properties === undefined && typeof additionalProperties === 'object') {
    const names =
      propertyNames === undefined ? fc.string({ maxLength: 20 }) : (texts(propertyNames) as fc.Arbitrary<string>);
    return fc.dictionary(names, fittingValue(api, additionalProperties), {
      maxKeys: Math.min(maxProperties, ITEMS_MAX),
      noNullPrototype: true,
    });
  }
  const members = Object.entries(properties ?? {}).map(([name, member]) => [name, fittingValue(api, member)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: [...(schema.required ?? [])], noNullPrototype: true });
}
