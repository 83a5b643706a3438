/** So many taken items may lie before the oldest in any case. */
const TAKEN_MIN = 1_024;

/** A first-in first-out queue with a hard limit: `push` says no instead of growing. */
export class BoundedQueue<T> {
  /** What was taken, as undefined, then what waits. */
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

  /** Removes and returns up to `max` items, oldest first. Costs what it brings, however many stay. */
  take(max: number): T[] {
    const from = this.taken;
    this.taken = Math.min(from + max, this.items.length);
    const brought = this.items.slice(from, this.taken) as T[];
    this.items.fill(undefined, from, this.taken);
    // What stays is moved only after as much was taken.
    if (this.taken >= TAKEN_MIN && this.taken >= this.length) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return brought;
  }
}
