// Identifiers are TypeIDs: a readable prefix and a UUIDv7 in Crockford base32 (`ord_01h2xcejqtf2nbrexx3vqjhp41`).
// They sort by creation time and are stored as uuid. https://github.com/jetify-com/typeid (specification 0.3)
import { createHash, randomBytes } from 'node:crypto';
import { assert } from './assert';
import { type Clock, systemClock } from './clock';

/** Every kind of object that has an id on the wire. */
export const ID_PREFIXES = {
  merchant: 'mer',
  shop: 'shp',
  product: 'prd',
  sku: 'sku',
  price: 'prc',
  series: 'ser',
  round: 'rnd',
  item: 'itm',
  order: 'ord',
  claim: 'clm',
  payment: 'pay',
  refund: 'rfd',
  event: 'evt',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const VALUES = new Map([...ALPHABET].map((char, index) => [char, BigInt(index)]));
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const RANDOM_POOL_BYTES = 4_096;

let pool = randomBytes(RANDOM_POOL_BYTES);
let poolOffset = 0;

/** Ten random bytes from a pool: one system call serves hundreds of ids. */
function tenRandomBytes(): Buffer {
  if (poolOffset + 10 > pool.length) {
    pool = randomBytes(RANDOM_POOL_BYTES);
    poolOffset = 0;
  }
  poolOffset += 10;
  return pool.subarray(poolOffset - 10, poolOffset);
}

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits. Lower-case, with dashes. */
export function newUuid(clock: Clock = systemClock): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(clock.nowMs(), 0, 6);
  tenRandomBytes().copy(bytes, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return formatUuid(bytes);
}

/** A UUIDv8 (RFC 9562 §5.8) made from a SHA-256 of the parts: the same parts give the same id everywhere. */
export function uuidFromParts(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  // Length-prefixed, so ("ab", "c") and ("a", "bc") differ.
  for (const part of parts) hash.update(`${part.length}:${part};`);
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return formatUuid(bytes);
}

/** A new id of the given kind. */
export function newId(kind: IdKind, clock: Clock = systemClock): string {
  return idFromUuid(kind, newUuid(clock));
}

/** The wire form of a stored uuid. */
export function idFromUuid(kind: IdKind, uuid: string): string {
  const hex = uuid.replaceAll('-', '');
  assert(hex.length === 32, `not a uuid: ${uuid}`);
  let text = '';
  // 26 base32 digits hold 130 bits: the first digit carries 3 bits, every other one 5.
  let value = BigInt(`0x${hex}`);
  for (let digit = 0; digit < 26; digit += 1) {
    text = ALPHABET[Number(value & 31n)]! + text;
    value >>= 5n;
  }
  return `${ID_PREFIXES[kind]}_${text}`;
}

/** The uuid inside an id of the given kind, or undefined when the text is not such an id. */
export function uuidFromId(kind: IdKind, text: string): string | undefined {
  const prefix = ID_PREFIXES[kind];
  if (!text.startsWith(`${prefix}_`)) return undefined;
  const suffix = text.slice(prefix.length + 1);
  if (!SUFFIX.test(suffix)) return undefined;
  let value = 0n;
  for (const char of suffix) value = (value << 5n) | VALUES.get(char)!;
  const hex = value.toString(16).padStart(32, '0');
  return formatUuid(Buffer.from(hex, 'hex'));
}

function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
