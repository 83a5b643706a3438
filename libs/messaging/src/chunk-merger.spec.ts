// Goal: messages of one fetch share transactions, none is applied twice or left out, and each partition keeps its
// order.
import { ChunkMerger } from './chunk-merger';
import { type Heartbeat, InterruptedError } from './heartbeat';
import type { Incoming } from './incoming';

const message = (partition: number, offset: number): Incoming =>
  ({ envelope: { partition, offset: String(offset) } }) as unknown as Incoming;
const chunk = (partition: number, from: number, count: number): Incoming[] =>
  Array.from({ length: count }, (_, index) => message(partition, from + index));
const placesOf = (messages: readonly Incoming[]): string[] =>
  messages.map(({ envelope }) => `${envelope.partition}/${envelope.offset}`);
const alive: Heartbeat = { alive: () => true, wait: () => Promise.resolve() };

interface Applied {
  readonly topic: string;
  readonly places: string[];
}

function recording(messagesMax: number): { merger: ChunkMerger; applied: Applied[] } {
  const applied: Applied[] = [];
  const merger = new ChunkMerger(async (topic, messages) => {
    await Promise.resolve();
    applied.push({ topic, places: placesOf(messages) });
  }, messagesMax);
  return { merger, applied };
}

it('applies the chunks of several partitions of one turn at once', async () => {
  const { merger, applied } = recording(10);
  await Promise.all([merger.submit('t', chunk(0, 5, 2), alive), merger.submit('t', chunk(1, 8, 1), alive)]);
  expect(applied).toEqual([{ topic: 't', places: ['0/5', '0/6', '1/8'] }]);
});

it('keeps topics apart and fills up to the limit, with no chunk left behind', async () => {
  const { merger, applied } = recording(4);
  await Promise.all([
    merger.submit('t', chunk(0, 0, 3), alive),
    merger.submit('t', chunk(1, 0, 2), alive),
    merger.submit('u', chunk(0, 0, 1), alive),
    merger.submit('t', chunk(2, 0, 1), alive),
    merger.submit('t', chunk(3, 0, 9), alive),
  ]);
  expect(applied).toEqual([
    { topic: 't', places: ['0/0', '0/1', '0/2', '2/0'] },
    { topic: 't', places: ['1/0', '1/1'] },
    { topic: 'u', places: ['0/0'] },
    { topic: 't', places: chunk(3, 0, 9).map((_, offset) => `3/${offset}`) },
  ]);
});

it('gathers chunks while others are applied, and starts again after a pause', async () => {
  const { merger, applied } = recording(10);
  const first = merger.submit('t', chunk(0, 0, 1), alive).then(() => merger.submit('t', chunk(0, 1, 1), alive));
  await first;
  await merger.submit('t', chunk(0, 2, 1), alive);
  expect(applied.map(({ places }) => places)).toEqual([['0/0'], ['0/1'], ['0/2']]);
});

it('rejects each submission that shared a failed transaction, and no other', async () => {
  const failure = new Error('no');
  const merger = new ChunkMerger(async (topic) => {
    if (topic === 'bad') throw failure;
  }, 10);
  const outcomes = await Promise.allSettled([
    merger.submit('bad', chunk(0, 0, 1), alive),
    merger.submit('good', chunk(0, 0, 1), alive),
    merger.submit('bad', chunk(1, 0, 1), alive),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
});

it('ends shared work when one of its partitions is lost', async () => {
  const ended: Heartbeat = { alive: () => false, wait: () => Promise.reject(new InterruptedError()) };
  const seen: unknown[] = [];
  const merger = new ChunkMerger(async (_topic, _messages, heartbeat) => {
    seen.push(heartbeat.alive(), await heartbeat.wait(1).catch((error: unknown) => error));
  }, 10);
  await Promise.all([merger.submit('t', chunk(0, 0, 1), alive), merger.submit('t', chunk(1, 0, 1), ended)]);
  expect(seen).toEqual([false, expect.any(InterruptedError)]);
});
