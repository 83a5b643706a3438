// The outbox ids below the highest published one that are still missing.
//
// Ids are drawn from a sequence and become visible at commit, so a reader that only remembers the highest id loses the
// rows of slower transactions. The relay therefore keeps every skipped id as a gap and looks for it in each round. Each
// gap has a fence: a transaction id assigned after the gap was first seen. A transaction that drew an id of the gap has
// a smaller transaction id than the fence, because outbox.xid precedes outbox.id. When a snapshot's xmin has reached
// the fence, all of these transactions have ended, and an id that the same snapshot does not show was rolled back. The
// gap is then removed.
//
// The bound of the first snapshot (its xmax) is no fence: it follows the latest *completed* transaction, and running
// transactions may have larger ids.

/** Ids from `lo` to `hi`, both inclusive. */
export interface Gap {
  readonly lo: number;
  readonly hi: number;
  /** Undefined until a fence was drawn for the gap. */
  readonly fence: bigint | undefined;
}

/** The result of one read of the outbox, from one snapshot. */
export interface OutboxReading {
  /** Ids found inside gaps, ascending. */
  readonly inGaps: readonly number[];
  /** Ids found above `high`, ascending. */
  readonly above: readonly number[];
  /** All transactions below this id have ended in that snapshot. */
  readonly xmin: bigint;
}

/** The state of a relay: the highest id it has seen, and the gaps below. */
export class OutboxGaps {
  private list: Gap[] = [];
  private highest: number;

  constructor(position: number) {
    this.highest = position;
  }

  /** The largest id published or skipped. */
  get high(): number {
    return this.highest;
  }

  /** The missing ranges, ascending. */
  get gaps(): readonly Gap[] {
    return this.list;
  }

  /** Every id up to this one is published or rolled back: a relay may start from here. */
  get position(): number {
    return this.list.length === 0 ? this.highest : this.list[0]!.lo - 1;
  }

  /** True while a gap has no fence. */
  get needsFence(): boolean {
    return this.list.length > 0 && this.list[this.list.length - 1]!.fence === undefined;
  }

  /** Takes note of a reading whose rows are all published. */
  published(reading: OutboxReading): void {
    // Old gaps first: the gaps that this reading opens have no fence.
    this.list = settle(this.list, reading);
    for (const id of reading.above) {
      if (id > this.highest + 1) this.list.push({ lo: this.highest + 1, hi: id - 1, fence: undefined });
      this.highest = id;
    }
  }

  /** Sets the fence of all gaps that have none: a transaction id assigned after they were seen. */
  fence(xid: bigint): void {
    this.list = this.list.map((gap) => (gap.fence === undefined ? { ...gap, fence: xid } : gap));
  }
}

/** The gaps that remain, without the ids found and without those whose transactions have ended. */
function settle(gaps: readonly Gap[], reading: OutboxReading): Gap[] {
  const rest: Gap[] = [];
  let next = 0;
  for (const { lo, hi, fence } of gaps) {
    const dead = fence !== undefined && reading.xmin >= fence;
    let from = lo;
    for (let id = reading.inGaps[next]; id !== undefined && id <= hi; id = reading.inGaps[next]) {
      if (id > from && !dead) rest.push({ lo: from, hi: id - 1, fence });
      from = id + 1;
      next += 1;
    }
    if (from <= hi && !dead) rest.push({ lo: from, hi, fence });
  }
  return rest;
}
