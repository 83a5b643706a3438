// Goal: first in, first out, and a full queue says no.
import { BoundedQueue } from './bounded-queue';

it('gives items back in the order they came, and tells which is next', () => {
  const queue = new BoundedQueue<string>(3);
  expect(queue.oldest).toBeUndefined();
  expect(['a', 'b', 'c'].map((item) => queue.push(item))).toEqual([true, true, true]);
  expect(queue.oldest).toBe('a');
  expect(queue.take(2)).toEqual(['a', 'b']);
  expect(queue.oldest).toBe('c');
  expect(queue.length).toBe(1);
});

it('stores nothing when it is full', () => {
  const queue = new BoundedQueue<string>(1);
  expect(queue.push('a')).toBe(true);
  expect(queue.push('b')).toBe(false);
  expect(queue.take(5)).toEqual(['a']);
});
