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
const HEX = '0123456789abcdef';
const NOT_HEX = 255;
/** Value of a hexadecimal digit by its character code. */
const HEX_VALUES = new Uint8Array(128).fill(NOT_HEX);
for (let value = 0; value < 16; value += 1) {
  HEX_VALUES[HEX.charCodeAt(value)] = value;
  HEX_VALUES[HEX.toUpperCase().charCodeAt(value)] = value;
}
/** Each byte as two hexadecimal digits. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Character codes of the base32 digits. */
const DIGITS = Buffer.from(ALPHABET, 'latin1');
const DASH = 45;
const UNDERSCORE = 95;
/** Buffer for one id; longer than any. */
const scratch = Buffer.alloc(64);
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const RANDOM_POOL_BYTES = 4_096;

let pool = randomBytes(RANDOM_POOL_BYTES);
let poolOffset = 0;

/** The offset of ten fresh random bytes in the pool. One system call serves hundreds of ids. */
function tenRandomBytes(): number {
  if (poolOffset + 10 > pool.length) {
    pool = randomBytes(RANDOM_POOL_BYTES);
    poolOffset = 0;
  }
  poolOffset += 10;
  return poolOffset - 10;
}

let stampedMs = -1;
let stamp = '';

/** The first 13 characters of a UUIDv7. They are kept, because many ids are made in one millisecond. */
function timestampOf(nowMs: number): string {
  if (nowMs !== stampedMs) {
    const hex = nowMs.toString(16).padStart(12, '0');
    stamp = `${hex.slice(0, 8)}-${hex.slice(8)}`;
    stampedMs = nowMs;
  }
  return stamp;
}

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits. Lower-case, with dashes. */
export function newUuid(clock: Clock = systemClock): string {
  const time = timestampOf(clock.nowMs());
  const at = tenRandomBytes();
  const random = (offset: number): string => BYTES[pool[at + offset]!]!;
  return (
    `${time}-${BYTES[(pool[at]! & 0x0f) | 0x70]!}${random(1)}-${BYTES[(pool[at + 2]! & 0x3f) | 0x80]!}${random(3)}-` +
    `${random(4)}${random(5)}${random(6)}${random(7)}${random(8)}${random(9)}`
  );
}

/** A UUIDv8 (RFC 9562 §5.8) from a SHA-256 of the parts: the same parts give the same id everywhere. */
export function uuidFromParts(...parts: readonly string[]): string {
  // Length-prefixed, so ("ab", "c") and ("a", "bc") differ.
  let text = '';
  for (const part of parts) text += `${part.length}:${part};`;
  const hex = hash('sha256', text, 'hex');
  const variant = HEX[(Number.parseInt(hex[16]!, 16) & 0x3) | 0x8]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A new id of the given kind. */
export function newId(kind: IdKind, clock: Clock = systemClock): string {
  return idFromUuid(kind, newUuid(clock));
}

/** The wire form of a stored uuid. */
export function idFromUuid(kind: IdKind, uuid: string): string {
  const prefix = ID_PREFIXES[kind];
  scratch.write(prefix, 'latin1');
  let at = prefix.length;
  scratch[at++] = UNDERSCORE;
  // 26 base32 digits hold 130 bits: two zero bits stand before the 128 of the uuid.
  let held = 0;
  let bits = 2;
  let digits = 0;
  for (let index = 0; index < uuid.length; index += 1) {
    const char = uuid.charCodeAt(index);
    if (char === DASH) continue;
    const digit = HEX_VALUES[char];
    assert(digit !== undefined && digit !== NOT_HEX, `not a uuid: ${uuid}`);
    digits += 1;
    held = (held << 4) | digit;
    bits += 4;
    if (bits >= 5) {
      bits -= 5;
      scratch[at++] = DIGITS[held >> bits]!;
      held &= (1 << bits) - 1;
    }
  }
  assert(digits === 32, `not a uuid: ${uuid}`);
  return scratch.toString('latin1', 0, at);
}

/** The uuid inside an id of the given kind, or undefined when the text is not such an id. */
export function uuidFromId(kind: IdKind, text: string): string | undefined {
  const prefix = `${ID_PREFIXES[kind]}_`;
  if (!text.startsWith(prefix)) return undefined;
  const suffix = text.slice(prefix.length);
  if (!SUFFIX.test(suffix)) return undefined;
  let held = 0;
  let bits = -2;
  let at = 0;
  for (let digit = 0; digit < 26; digit += 1) {
    held = (held << 5) | VALUES[suffix.charCodeAt(digit)]!;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      scratch[at++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  return formatUuid(scratch);
}

function formatUuid(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-';
    text += BYTES[bytes[index]!]!;
  }
  return text;
}
