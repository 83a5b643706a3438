// The partition of a key: murmur2, as in Kafka's Java client, so that producers in all languages agree. kafkajs
// computes it with big integers, at ten times the cost.
import type { ICustomPartitioner } from 'kafkajs';

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** For `createPartitioner`: by key. Every event has a key; a message without one goes to the first partition. */
export const keyPartitioner: ICustomPartitioner = () => {
  return ({ partitionMetadata, message }) => {
    if (message.key === null || message.key === undefined) return 0;
    const key = Buffer.isBuffer(message.key) ? message.key : Buffer.from(message.key);
    return (murmur2(key) & 0x7fffffff) % partitionMetadata.length;
  };
};

/** MurmurHash 2 with Kafka's seed, as a signed 32-bit number. */
function murmur2(data: Uint8Array): number {
  const { length } = data;
  let h = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let k = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const left = length - at;
  if (left === 3) h ^= data[at + 2]! << 16;
  if (left >= 2) h ^= data[at + 1]! << 8;
  if (left >= 1) h = Math.imul(h ^ data[at]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}
