// Writes a produce request (versions 3 to 7, record batches of magic 2) into one buffer of the right size. The library
// allocates 512 bytes for every header of every record and copies each batch five times, which costs more than the rest
// of the relay's work. https://kafka.apache.org/documentation/#recordbatch
import type { ProduceArguments, ProducedMessage } from 'kafkajs/src/protocol/requests/produce';

type Batch = ProduceArguments['topicData'][number]['partitions'][number];

const NO_COMPRESSION = 0;
const NO_TRANSACTION = -1;
const MAGIC = 2;
const CREATE_TIME = 0;
/** Bytes of a record batch before its records. */
const BATCH_HEAD = 61;
/** Bytes of a batch that its length field does not count: base offset and the length itself. */
const BATCH_UNCOUNTED = 12;
const CRC_OFFSET = 17;
const CRC_FROM = 21;

/** True when {@link encodeProduce} supports this request. The library's own encoder writes the others. */
export function isPlainProduce({ compression, transactionalId, topicData }: ProduceArguments): boolean {
  return (
    compression === NO_COMPRESSION &&
    transactionalId === undefined &&
    topicData.every(({ partitions }) =>
      partitions.every(({ messages }) => messages.length > 0 && messages.every(isPlainMessage)),
    )
  );
}

function isPlainMessage({ key, value, headers, timestamp }: ProducedMessage): boolean {
  return (
    timestamp === undefined &&
    typeof value === 'string' &&
    (key === undefined || key === null || typeof key === 'string') &&
    (headers === undefined || Object.values(headers).every((header) => typeof header === 'string'))
  );
}

/** The body of a produce request, byte for byte as kafkajs writes it. `nowMs`: time of every record. */
export function encodeProduce(request: ProduceArguments, nowMs: number): Buffer {
  const sizes = new Map<Batch, BatchSizes>();
  let bytes = 2 + 2 + 4 + 4;
  for (const { topic, partitions } of request.topicData) {
    bytes += 2 + Buffer.byteLength(topic) + 4;
    for (const partition of partitions) {
      const measured = measureBatch(partition.messages);
      sizes.set(partition, measured);
      bytes += 4 + 4 + measured.bytes;
    }
  }
  const writer = new Writer(Buffer.allocUnsafe(bytes));
  writer.int16(NO_TRANSACTION);
  writer.int16(request.acks);
  writer.int32(request.timeout);
  writer.int32(request.topicData.length);
  for (const { topic, partitions } of request.topicData) {
    writer.text16(topic);
    writer.int32(partitions.length);
    for (const partition of partitions) {
      const measured = sizes.get(partition)!;
      writer.int32(partition.partition);
      writer.int32(measured.bytes);
      writeBatch(writer, request, partition, measured, nowMs);
    }
  }
  return writer.buffer;
}

interface BatchSizes {
  /** The whole batch. */
  readonly bytes: number;
  /** Each record's body, without the length before it. */
  readonly bodies: readonly number[];
}

function measureBatch(messages: readonly ProducedMessage[]): BatchSizes {
  let bytes = BATCH_HEAD;
  const bodies = messages.map((message, offset) => {
    // Attributes and a timestamp delta of zero take a byte each.
    let body = 2 + varIntSize(offset) + sizedText(message.key) + sizedText(message.value);
    let headers = 0;
    for (const name in message.headers) {
      body += sizedText(name) + sizedText(message.headers[name]);
      headers += 1;
    }
    body += varIntSize(headers);
    bytes += varIntSize(body) + body;
    return body;
  });
  return { bytes, bodies };
}

function writeBatch(writer: Writer, request: ProduceArguments, batch: Batch, sizes: BatchSizes, nowMs: number): void {
  const start = writer.at;
  const { messages } = batch;
  writer.int64(0n);
  writer.int32(sizes.bytes - BATCH_UNCOUNTED);
  writer.int32(0);
  writer.int8(MAGIC);
  writer.int32(0);
  writer.int16(CREATE_TIME);
  writer.int32(messages.length - 1);
  writer.int64(BigInt(nowMs));
  writer.int64(BigInt(nowMs));
  writer.int64(BigInt(request.producerId));
  writer.int16(request.producerEpoch);
  writer.int32(batch.firstSequence);
  writer.int32(messages.length);
  for (let index = 0; index < messages.length; index += 1) {
    writeRecord(writer, messages[index]!, index, sizes.bodies[index]!);
  }
  writer.buffer.writeInt32BE(crc32c(writer.buffer, start + CRC_FROM, writer.at), start + CRC_OFFSET);
}

function writeRecord(writer: Writer, { key, value, headers }: ProducedMessage, offset: number, body: number): void {
  writer.varInt(body);
  writer.int8(0);
  writer.varInt(0);
  writer.varInt(offset);
  writer.sizedText(key);
  writer.sizedText(value);
  let count = 0;
  for (const _name in headers) count += 1;
  writer.varInt(count);
  for (const name in headers) {
    writer.sizedText(name);
    writer.sizedText(headers[name]);
  }
}

/** Bytes of a zig-zag varint of a number that is not negative. */
function varIntSize(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x100000 ? 3 : value < 0x8000000 ? 4 : 5;
}

function sizedText(text: string | null | undefined): number {
  if (text === null || text === undefined) return 1;
  const bytes = Buffer.byteLength(text);
  return varIntSize(bytes) + bytes;
}

class Writer {
  at = 0;

  constructor(readonly buffer: Buffer) {}

  int8(value: number): void {
    this.buffer[this.at++] = value;
  }

  int16(value: number): void {
    this.at = this.buffer.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.at = this.buffer.writeBigInt64BE(value, this.at);
  }

  /** A zig-zag varint of a number that is not negative; lengths stay far below 2^30. */
  varInt(value: number): void {
    let left = value * 2;
    while (left > 0x7f) {
      this.buffer[this.at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.buffer[this.at++] = left;
  }

  text16(text: string): void {
    this.int16(Buffer.byteLength(text));
    this.at += this.buffer.write(text, this.at);
  }

  sizedText(text: string | null | undefined): void {
    if (text === null || text === undefined) {
      // Minus one, as a zig-zag varint.
      this.int8(1);
      return;
    }
    const bytes = Buffer.byteLength(text);
    this.varInt(bytes);
    // With a byte for each character it is ASCII, which is a copy.
    this.at += this.buffer.write(text, this.at, bytes === text.length ? 'latin1' : 'utf8');
  }
}

const CASTAGNOLI = 0x82f63b78;
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  return crc;
});

/** Signed: with an unsigned result, V8 deoptimizes the compiled code at every call. */
function crc32c(buffer: Buffer, from: number, to: number): number {
  let crc = -1;
  for (let at = from; at < to; at += 1) crc = TABLE[(crc ^ buffer[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc;
}
