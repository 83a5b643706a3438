// How Postgres values become JavaScript values in raw queries.
//
// int8 becomes a number while it is a safe integer and a bigint beyond that: counts, versions and ids are ordinary
// numbers on hot paths, and no value is ever rounded. Money passes through `BigInt(value)` at the storage border,
// which takes both. Everything else follows node-postgres: numeric stays a string, timestamptz is a Date, jsonb is parsed.
import { types } from 'pg';

const INT8_OID = 20;
const INT8_ARRAY_OID = 1_016;

/** An int8 as a number when that is exact, else as a bigint. */
export function parseInt8(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

type Parser = (value: string) => unknown;

const parseTextArray = types.getTypeParser(1_009 as number, 'text') as (value: string) => (string | null)[];

const parseInt8Array: Parser = (value) => parseTextArray(value).map((item) => (item === null ? null : parseInt8(item)));

/** Type parsers for one pool; the library's global parsers stay untouched. */
export const INT8_AS_NUMBER = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): Parser {
    if (format !== 'binary') {
      if (oid === INT8_OID) return parseInt8;
      if (oid === INT8_ARRAY_OID) return parseInt8Array;
    }
    return types.getTypeParser(oid, format) as Parser;
  },
};
