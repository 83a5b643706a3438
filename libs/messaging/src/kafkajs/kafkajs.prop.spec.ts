// Goal: the replacements inside kafkajs behave exactly like the originals. Method: the library's own code as the
// oracle, on random requests and keys.
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import RequestQueue from 'kafkajs/src/network/requestQueue';
import produceRequests, { type ProduceArguments } from 'kafkajs/src/protocol/requests/produce';
import { keyPartitioner } from './partitioner';
import { encodeProduce, isPlainProduce } from './produce-encoder';
import { repairKafkajs } from './repair';

const NOW_MS = 1_764_000_000_123;
// Before the repair: the original.
const original = produceRequests.protocol({ version: 7 });

beforeEach(() => jest.useFakeTimers({ now: NOW_MS }));
afterEach(() => jest.useRealTimers());

const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 300 }));
const message = fc.record(
  {
    key: fc.option(text),
    value: text,
    headers: fc.dictionary(
      fc.string({ minLength: 1, maxLength: 20 }).filter((name) => name !== '__proto__'),
      text,
      { maxKeys: 6 },
    ),
  },
  { requiredKeys: ['value'] },
);
const int32 = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const request = fc.record<ProduceArguments>({
  acks: fc.constantFrom(-1, 0, 1),
  timeout: int32,
  compression: fc.constant(0),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map(String),
  producerEpoch: fc.integer({ min: 0, max: 2 ** 15 - 1 }),
  topicData: fc.array(
    fc.record({
      topic: fc.string({ minLength: 1, maxLength: 30 }),
      partitions: fc.array(
        fc.record({
          partition: int32,
          firstSequence: int32,
          messages: fc.array(message, { minLength: 1, maxLength: 90 }),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
});

it('writes produce requests byte for byte as the library does', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (call) => {
      expect(isPlainProduce(call)).toBe(true);
      const theirs = await original(call).request.encode();
      expect(encodeProduce(call, NOW_MS).equals(theirs.buffer)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

it('leaves requests with unknown features to the library', () => {
  const call = (more: object, messages: object[] = [{ value: 'v' }]): ProduceArguments => ({
    acks: -1,
    timeout: 1,
    compression: 0,
    producerId: '1',
    producerEpoch: 0,
    topicData: [{ topic: 't', partitions: [{ partition: 0, firstSequence: 0, messages: messages as never }] }],
    ...more,
  });
  expect(isPlainProduce(call({}))).toBe(true);
  expect(isPlainProduce(call({ compression: 1 }))).toBe(false);
  expect(isPlainProduce(call({ transactionalId: 'tx' }))).toBe(false);
  expect(isPlainProduce(call({}, [{ value: null }]))).toBe(false);
  expect(isPlainProduce(call({}, [{ value: 'v', timestamp: '1' }]))).toBe(false);
  expect(isPlainProduce(call({}, [{ value: Buffer.from('v') }]))).toBe(false);
  expect(isPlainProduce(call({}, [{ value: 'v', headers: { a: ['1', '2'] } }]))).toBe(false);
});

it('sends each key to the same partition as the default partitioner', () => {
  const theirs = Partitioners.DefaultPartitioner();
  const ours = keyPartitioner();
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      ),
      fc.nat({ max: 99 }),
      (key, more) => {
        const partitionMetadata = Array.from({ length: more + 1 }, (_, partitionId) => ({ partitionId, leader: 0 }));
        const asked = { topic: 't', partitionMetadata: partitionMetadata as never, message: { key, value: '' } };
        expect(ours(asked)).toBe(theirs(asked));
      },
    ),
    { numRuns: 2_000 },
  );
});

it('sets no timer on a connection without waiting requests', () => {
  repairKafkajs();
  const sent: unknown[] = [];
  const logger = { debug: () => undefined };
  const queue = new (
    RequestQueue as unknown as new (options: object) => RequestQueue & {
      push(request: object): void;
      fulfillRequest(answer: object): void;
    }
  )({ logger, maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'c', broker: 'b' });
  const push = (correlationId: number): void =>
    queue.push({
      entry: { correlationId, resolve: () => undefined, reject: () => undefined },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    });
  push(1);
  expect(jest.getTimerCount()).toBe(0);
  push(2);
  expect(sent).toEqual([1]);
  expect(jest.getTimerCount()).toBe(1);
  queue.fulfillRequest({ correlationId: 1, payload: {}, size: 0 });
  jest.advanceTimersByTime(50);
  expect(sent).toEqual([1, 2]);
  expect(jest.getTimerCount()).toBe(0);
});
