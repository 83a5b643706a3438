/** Taken slots before the array is copied, at least. */
const TAKEN_MIN = 1_024;

/** A first-in first-out queue with a hard limit: `push` returns false when the queue is full. */
export class BoundedQueue<T> {
  /** Slots of taken items, as undefined, then the waiting items. */
  private items: (T | undefined)[] = [];
  private taken = 0;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.items.length - this.taken;
  }

  /** False, and nothing stored, when the queue is full. */
  push(item: T): boolean {
    if (this.length >= this.capacity) return false;
    this.items.push(item);
    return true;
  }

  /** Removes and returns up to `max` items, oldest first. Its cost depends on the returned items alone. */
  take(max: number): T[] {
    const from = this.taken;
    this.taken = Math.min(from + max, this.items.length);
    const items = this.items.slice(from, this.taken) as T[];
    this.items.fill(undefined, from, this.taken);
    // The waiting items are copied only after as many were taken, so the cost per item is constant.
    if (this.taken >= TAKEN_MIN && this.taken >= this.length) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return items;
  }
}
