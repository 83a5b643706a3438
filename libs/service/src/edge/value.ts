// Values at the edge: what a member of a request may be, said once as a JSON Schema for the API document and as a check
// for requests. A value that fits the schema passes the check.
import type { JsonSchema } from '@gravity/http';
import {
  CODE_LENGTH_MAX,
  CODE_PATTERN,
  ID_PREFIXES,
  type IdKind,
  isTimeZone,
  parseCode,
  parseRfc3339,
} from '@gravity/kernel';

/** One kind of value. */
export interface Value {
  readonly schema: JsonSchema;
  /** Whether a member holds such a value, as it came from JSON. */
  readonly fits: (value: unknown) => boolean;
  /** What the member must be, for people: `must be …`. */
  readonly must: string;
}

export interface TextOptions {
  /** Characters at most, counted as code points as JSON Schema counts them. */
  readonly max: number;
  /** 1 (default): something besides white space. 0: may be empty. */
  readonly min?: 0 | 1;
  /** Line ends and tabs are allowed. Default false. */
  readonly multiline?: boolean;
}

const CONTROLS = '\\p{Cc}\\p{Cs}';
const CONTROLS_BUT_LINES = '\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\p{Cs}';

/** A text that people read: no control characters, and nothing that Postgres cannot store. */
export function text({ max, min = 1, multiline = false }: TextOptions): Value {
  const refused = multiline ? CONTROLS_BUT_LINES : CONTROLS;
  // The check is two linear scans; the pattern says the same to other people's programs.
  const forbidden = new RegExp(`[${refused}]`, 'u');
  const pattern = min === 0 ? `^[^${refused}]*$` : `^[^${refused}]*[^\\s${refused}][^${refused}]*$`;
  return {
    schema: { type: 'string', minLength: min, maxLength: max, pattern },
    fits: (value) =>
      typeof value === 'string' && isAtMost(value, max) && !forbidden.test(value) && (min === 0 || value.trim() !== ''),
    must: `must be a text of ${min} to ${max} characters${multiline ? '' : ' on one line'}`,
  };
}

/** A text with nothing but a bound, for answers. */
export function anyText(max: number): Value {
  return {
    schema: { type: 'string', maxLength: max },
    fits: (value) => typeof value === 'string' && isAtMost(value, max),
    must: `must be a text of up to ${max} characters`,
  };
}

/** A code that people type; see `parseCode` of the kernel. */
export function code(): Value {
  return {
    schema: { type: 'string', minLength: 1, maxLength: CODE_LENGTH_MAX, pattern: CODE_PATTERN },
    fits: (value) => typeof value === 'string' && parseCode(value) !== undefined,
    must: `must be 1 to ${CODE_LENGTH_MAX} visible characters`,
  };
}

/** The id of an object, as it stands on the wire. */
export function id(kind: IdKind): Value {
  return matching(`^${ID_PREFIXES[kind]}_[0-7][0-9a-hjkmnp-tv-z]{25}$`, `must be the id of a ${kind}`);
}

/** A moment: RFC 3339 with its zone. */
export function time(): Value {
  return {
    schema: { type: 'string', format: 'date-time' },
    fits: (value) => typeof value === 'string' && parseRfc3339(value) !== undefined,
    must: 'must be a time such as 2026-11-20T12:00:00Z',
  };
}

/** A country or one of its subdivisions: ISO 3166, such as CN or CN-11. */
export function region(): Value {
  return matching('^[A-Z]{2}(-[A-Z0-9]{1,3})?$', 'must be an ISO 3166 code such as CN or CN-11');
}

/** A time zone by its IANA name. */
export function timeZone(): Value {
  const schema = { type: 'string', format: 'time-zone', minLength: 1, maxLength: 64 };
  return {
    schema,
    fits: (value) => typeof value === 'string' && value.length <= schema.maxLength && isTimeZone(value),
    must: 'must be an IANA time zone such as Asia/Shanghai',
  };
}

/** A text of a regular language; anchor the pattern. */
export function matching(pattern: string, must: string): Value {
  const form = new RegExp(pattern, 'u');
  return {
    schema: { type: 'string', pattern },
    fits: (value) => typeof value === 'string' && form.test(value),
    must,
  };
}

/** A whole number, both bounds included. */
export function integer({ min, max }: { readonly min: number; readonly max: number }): Value {
  return {
    schema: { type: 'integer', minimum: min, maximum: max },
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    must: `must be a whole number from ${min} to ${max}`,
  };
}

/** One of some texts. */
export function oneOf(choices: readonly string[]): Value {
  return {
    schema: { type: 'string', enum: [...choices] },
    fits: (value) => typeof value === 'string' && choices.includes(value),
    must: `must be one of ${choices.join(', ')}`,
  };
}

/** True or false. */
export function flag(): Value {
  return { schema: { type: 'boolean' }, fits: (value) => typeof value === 'boolean', must: 'must be true or false' };
}

export interface ListOptions {
  readonly min?: number;
  readonly max: number;
  /** No value comes twice. Default false. */
  readonly unique?: boolean;
}

/** A list of values of one kind. */
export function list(item: Value, { min = 0, max, unique = false }: ListOptions): Value {
  return {
    schema: {
      type: 'array',
      items: item.schema,
      minItems: min,
      maxItems: max,
      ...(unique ? { uniqueItems: true } : {}),
    },
    fits: (value) =>
      Array.isArray(value) &&
      value.length >= min &&
      value.length <= max &&
      value.every((one) => item.fits(one)) &&
      (!unique || new Set(value).size === value.length),
    must: `must be a list of ${min} to ${max}${unique ? ' different' : ''} values, each of which ${item.must}`,
  };
}

export const ATTRIBUTES_MAX = 32;
const ATTRIBUTE_NAME_MAX = 50;
const ATTRIBUTE_VALUE_MAX = 200;
// A colon parts name and value in the filters of lists.
const ATTRIBUTE_NAME = matching(`^[^:${CONTROLS}]{1,${ATTRIBUTE_NAME_MAX}}$`, 'must be a name');
// Every object has these members by its prototype; a name like one of them would be lost on the way.
const RESERVED_NAMES = Object.getOwnPropertyNames(Object.prototype);
const ATTRIBUTE_VALUE = matching(`^[^${CONTROLS}]{1,${ATTRIBUTE_VALUE_MAX}}$`, 'must be a text');

/** Names with short texts, for instance of a product: `{ "volume": "500ml" }`. */
export function attributes(): Value {
  return {
    schema: {
      type: 'object',
      maxProperties: ATTRIBUTES_MAX,
      propertyNames: { pattern: ATTRIBUTE_NAME.schema['pattern'], not: { enum: RESERVED_NAMES } },
      additionalProperties: ATTRIBUTE_VALUE.schema,
    },
    fits: areAttributes,
    must: `must hold at most ${ATTRIBUTES_MAX} texts of up to ${ATTRIBUTE_VALUE_MAX} characters under names of up to ${ATTRIBUTE_NAME_MAX} without a colon`,
  };
}

function areAttributes(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= ATTRIBUTES_MAX &&
    entries.every(
      ([name, member]) => ATTRIBUTE_NAME.fits(name) && !RESERVED_NAMES.includes(name) && ATTRIBUTE_VALUE.fits(member),
    )
  );
}

/** One attribute in the filter of a list: `name:value`. */
export function attributeFilter(): Value {
  return matching(
    `^[^:${CONTROLS}]{1,${ATTRIBUTE_NAME_MAX}}:[^${CONTROLS}]{1,${ATTRIBUTE_VALUE_MAX}}$`,
    'must be name:value',
  );
}

function isAtMost(value: string, max: number): boolean {
  // No code point takes more than two units, so a long text is not counted.
  return value.length <= max || (value.length <= 2 * max && [...value].length <= max);
}
