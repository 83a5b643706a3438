/**
 * A domain object that changes as a whole. It counts its changes in `version` and records what happened; its repository
 * stores the state and takes the events in one transaction.
 */
export abstract class Aggregate<Event> {
  /** Counts the changes: 1 when it comes into being. */
  abstract readonly version: number;
  /** The version that is stored; 0 before it is stored for the first time. */
  private storedVersion = 0;
  private events: Event[] = [];

  /** True when it is not stored at all. */
  get isNew(): boolean {
    return this.storedVersion === 0;
  }

  /** True when it is stored, and has changed since. */
  get isChanged(): boolean {
    return this.storedVersion > 0 && this.storedVersion !== this.version;
  }

  /** Says that it is stored as it is, for repositories. Returns the object. */
  stored(): this {
    this.storedVersion = this.version;
    return this;
  }

  /** What has happened since the last call, in order. */
  takeEvents(): Event[] {
    return this.events.splice(0);
  }

  protected record(event: Event): void {
    this.events.push(event);
  }
}
