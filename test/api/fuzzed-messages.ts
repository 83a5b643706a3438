// Random bytes close to a protobuf message. They are encoded here, because a client library refuses to encode invalid messages
// (https://protobuf.dev/programming-guides/encoding/).
import type { SeededRandom } from '@gravity/testing';
import type { MessageField, MessageType } from './grpc-methods';

const VARINT = 0;
const LENGTH = 2;
const START_GROUP = 3;

export const NASTY_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ufeff',
  '\u202etxt.exe',
  '\u2028',
  'e\u0301'.repeat(50),
  '👩‍👩‍👧‍👦'.repeat(20),
  'İıſK',
  '\uffff',
  '\u{10ffff}',
  "'; drop table orders; --",
  '%_\\',
  '__proto__',
  'constructor',
  'line\r\nline',
  '\u001b[2J',
  'x'.repeat(6_000),
] as const;

/** Invalid UTF-8: a lone surrogate, an overlong slash, an incomplete sequence. */
const NOT_UTF8 = [
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xf0, 0x9f, 0x8d]),
  Buffer.from([0xff]),
];
const NASTY_NUMBERS = [0n, 1n, -1n, 101n, 1_000n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), 2n ** 53n, 2n ** 63n - 1n];

/** Valid values by field name. */
export type ValidValues = Readonly<Record<string, string | bigint>>;

export class FuzzedMessages {
  constructor(
    private readonly types: ReadonlyMap<string, MessageType>,
    private readonly random: SeededRandom,
    private readonly values: ValidValues,
  ) {}

  /** A random message of the type, mostly well-formed, with some valid fields. */
  message(type: MessageType): Buffer {
    const fields = type.field.flatMap((field) => this.field(type, field));
    const whole = Buffer.concat(this.random.chance(0.2) ? this.random.shuffled(fields) : fields);
    if (this.random.chance(0.05)) return whole.subarray(0, this.random.integer(0, whole.length));
    if (this.random.chance(0.05)) return Buffer.concat([whole, this.randomBytes()]);
    return whole;
  }

  /** A message of the type with all known valid values. */
  valid(type: MessageType): Buffer {
    return Buffer.concat(
      type.field.flatMap((field) => {
        if (field.type === 'TYPE_MESSAGE') {
          const inner = this.valid(this.inner(type, field));
          return inner.length === 0 ? [] : [lengthPrefixed(field.number, inner)];
        }
        const good = this.values[field.name];
        if (good === undefined) return [];
        if (field.type === 'TYPE_STRING') return [lengthPrefixed(field.number, Buffer.from(String(good)))];
        return [tag(field.number, VARINT), varint(BigInt(good))];
      }),
    );
  }

  private field(type: MessageType, field: MessageField): Buffer[] {
    if (this.random.chance(0.15)) return [];
    const one = (): Buffer => {
      if (this.random.chance(0.02))
        return Buffer.concat([tag(field.number, this.random.integer(0, 7)), this.randomBytes()]);
      return this.value(type, field);
    };
    // For a single field the last value counts; maps and lists take all values.
    return this.random.chance(0.1) ? [one(), one(), one()] : [one()];
  }

  private value(type: MessageType, field: MessageField): Buffer {
    const good = this.random.chance(0.6) ? this.values[field.name] : undefined;
    switch (field.type) {
      case 'TYPE_STRING':
        return lengthPrefixed(field.number, good === undefined ? this.text() : Buffer.from(String(good)));
      case 'TYPE_MESSAGE':
        return lengthPrefixed(field.number, this.message(this.inner(type, field)));
      case 'TYPE_BOOL':
      case 'TYPE_ENUM':
      case 'TYPE_INT32':
      case 'TYPE_INT64': {
        const number = typeof good === 'bigint' ? good : this.random.pick(NASTY_NUMBERS);
        return Buffer.concat([tag(field.number, VARINT), varint(number)]);
      }
      default:
        throw new Error(`${field.type} is not supported; add it to FuzzedMessages`);
    }
  }

  private inner(type: MessageType, { typeName }: MessageField): MessageType {
    const inner = type.nestedType.find(({ name }) => name === typeName) ?? this.types.get(typeName.split('.').at(-1)!);
    if (inner === undefined) throw new Error(`there is no message type ${typeName}`);
    return inner;
  }

  private text(): Buffer {
    return this.random.chance(0.1) ? this.random.pick(NOT_UTF8) : Buffer.from(this.random.pick(NASTY_TEXTS));
  }

  private randomBytes(): Buffer {
    return Buffer.from(Array.from({ length: this.random.integer(1, 12) }, () => this.random.integer(0, 255)));
  }
}

/** Nested groups, which a decoder has to skip. */
export function deepGroups(depth: number): Buffer {
  return Buffer.concat(Array.from({ length: depth }, () => tag(1_000, START_GROUP)));
}

function lengthPrefixed(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(number, LENGTH), varint(BigInt(bytes.length)), bytes]);
}

function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number * 8 + wireType));
}

/** The protobuf encoding; negative numbers take ten bytes. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128);
    left >>= 7n;
  }
  return Buffer.from([...bytes, Number(left)]);
}
