// Converts Postgres values to JavaScript values in raw queries.
//
// An int8 is a number while it is a safe integer, else a bigint: counts, versions and ids are ordinary numbers on hot
// paths, and no value is rounded. Repositories pass money through `BigInt(value)`, which takes both. Other types follow
// node-postgres: numeric stays a string, timestamptz is a Date, jsonb is parsed.
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

/** Type parsers for one pool. The library's global parsers do not change. */
export const INT8_AS_NUMBER = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): Parser {
    if (format !== 'binary') {
      if (oid === INT8_OID) return parseInt8;
      if (oid === INT8_ARRAY_OID) return parseInt8Array;
    }
    return types.getTypeParser(oid, format) as Parser;
  },
};
