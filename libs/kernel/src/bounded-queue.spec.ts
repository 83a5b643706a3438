// Goal: first in, first out, and a full queue refuses, after any number of items. Method: random pushes and takes
// beside a plain array.
import fc from 'fast-check';
import { BoundedQueue } from './bounded-queue';

it('returns items in the order of arrival', () => {
  const queue = new BoundedQueue<string>(3);
  expect(['a', 'b', 'c'].map((item) => queue.push(item))).toEqual([true, true, true]);
  expect(queue.take(2)).toEqual(['a', 'b']);
  expect(queue.length).toBe(1);
});

it('stores nothing when it is full', () => {
  const queue = new BoundedQueue<string>(1);
  expect(queue.push('a')).toBe(true);
  expect(queue.push('b')).toBe(false);
  expect(queue.take(5)).toEqual(['a']);
});

it('behaves the same after thousands of items', () => {
  const step = fc.record({ pushed: fc.nat({ max: 1_500 }), taken: fc.nat({ max: 1_500 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
      const queue = new BoundedQueue<number>(3_000);
      const plain: number[] = [];
      let next = 0;
      for (const { pushed, taken } of steps) {
        const coming = Array.from({ length: pushed }, () => (next += 1));
        const fitting = coming.slice(0, 3_000 - plain.length);
        expect(coming.filter((item) => queue.push(item))).toEqual(fitting);
        plain.push(...fitting);
        expect(queue.take(taken)).toEqual(plain.splice(0, taken));
        expect(queue.length).toBe(plain.length);
      }
    }),
    { numRuns: 30 },
  );
});
