// Identifiers are TypeIDs: a readable prefix and a UUIDv7 in Crockford base32 (`ord_01h2xcejqtf2nbrexx3vqjhp41`).
// They sort by creation time and are stored as uuid. https://github.com/jetify-com/typeid (specification 0.3)
import { hash, randomBytes } from 'node:crypto';
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
/** Value of a base32 digit by its character code. */
const VALUES = new Uint8Array(128);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;
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
  // Length-prefixed, so ("ab", "c") and ("a", "bc") differ.
  let text = '';
  for (const part of parts) text += `${part.length}:${part};`;
  const bytes = hash('sha256', text, 'buffer');
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
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  assert(bytes.length === 16, `not a uuid: ${uuid}`);
  let text = `${ID_PREFIXES[kind]}_`;
  // 26 base32 digits hold 130 bits: two zero bits stand before the 128 of the uuid.
  let held = 0;
  let bits = 2;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5;) {
      bits -= 5;
      text += ALPHABET[held >> bits]!;
      held &= (1 << bits) - 1;
    }
  }
  return text;
}

/** The uuid inside an id of the given kind, or undefined when the text is not such an id. */
export function uuidFromId(kind: IdKind, text: string): string | undefined {
  const prefix = ID_PREFIXES[kind];
  if (text.length !== prefix.length + 27 || !text.startsWith(prefix) || text[prefix.length] !== '_') return undefined;
  const suffix = text.slice(prefix.length + 1);
  if (!SUFFIX.test(suffix)) return undefined;
  const bytes = Buffer.allocUnsafe(16);
  let held = 0;
  let bits = -2;
  let at = 0;
  for (let digit = 0; digit < 26; digit += 1) {
    held = (held << 5) | VALUES[suffix.charCodeAt(digit)]!;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  return formatUuid(bytes);
}

function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
