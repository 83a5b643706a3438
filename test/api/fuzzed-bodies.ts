// Random bodies close to a schema: most members are valid, some are at a bound, some have another type.
import fc from 'fast-check';
import type { ApiDescription } from '../../tools/contracts/served-api';
import { resolved, type Schema } from './sample-bodies';

const HALF_A_PAIR = '\ud800';
const NASTY_TEXTS = [
  '',
  ' ',
  '\u0000',
  HALF_A_PAIR,
  '🍺'.repeat(40),
  "'; drop table orders; --",
  '%',
  '\\',
  'x'.repeat(6_000),
  '2026-02-31T00:00:00Z',
  '-infinity',
];
const NASTY_NUMBERS = [0, -1, 1.5, 2 ** 31, 2 ** 53, 1e21, 1e308, -0];

/** Random texts, mostly texts that often cause errors. */
export const fuzzedText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY_TEXTS.filter((text) => text !== HALF_A_PAIR)),
  fc.string({ maxLength: 20 }),
  fc.integer().map(String),
);

const ANYTHING = fc.oneof(
  fc.constantFrom<unknown>(null, true, [], {}, ...NASTY_TEXTS, ...NASTY_NUMBERS),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Valid bodies, bodies with small errors, and arbitrary values. */
export function fuzzedBody(api: ApiDescription, schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 8, arbitrary: near(api, schema) }, { weight: 1, arbitrary: ANYTHING });
}

function near(api: ApiDescription, given: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: fitting(api, resolved(api, given)) }, { weight: 1, arbitrary: ANYTHING });
}

function fitting(api: ApiDescription, schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return object(api, schema);
    case 'array':
      return fc.array(near(api, schema.items ?? {}), { maxLength: 3 });
    case 'integer':
    case 'number':
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? -10, max: schema.maximum ?? 100_000 }),
        fc.constantFrom(schema.minimum ?? 0, schema.maximum ?? 1),
      );
    case 'boolean':
      return fc.boolean();
    default:
      return text(schema);
  }
}

function object(api: ApiDescription, schema: Schema): fc.Arbitrary<unknown> {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => [name, near(api, member)] as const);
  if (members.length === 0) return fc.dictionary(fuzzedText, fuzzedText, { maxKeys: 3 });
  return fc.record(Object.fromEntries(members), { requiredKeys: [...(schema.required ?? [])] });
}

function text(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  const known = schema.example === undefined ? [] : [schema.example];
  return fc.oneof(
    fc.constantFrom<unknown>(...known, 'text'),
    fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 30, 30), unit: 'grapheme' }),
  );
}
