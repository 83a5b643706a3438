// Which outbox ids below the highest published one are still missing.
//
// Ids are drawn from a sequence and become visible at commit, so a reader that only remembers the highest id loses the
// rows of slower transactions. The relay therefore keeps every id it has stepped over as a gap, looks for it in each
// round, and gives it up only when nobody can commit it any more: each gap carries a fence, a transaction id assigned
// after the gap was first seen. Whoever drew an id of the gap had its own transaction id before (outbox.xid precedes
// outbox.id), hence a smaller one than the fence. Once a snapshot's xmin has reached the fence, all of those have ended;
// an id that this same snapshot does not show was rolled back.
//
// The bound of the first snapshot (its xmax) would not do as a fence: it follows the latest *completed* transaction, and
// ids assigned to transactions still running may lie beyond it.

/** Ids from `lo` to `hi`, both inclusive. */
export interface Gap {
  readonly lo: number;
  readonly hi: number;
  /** Undefined until a fence has been drawn for it. */
  readonly fence: bigint | undefined;
}

/** What one read of the outbox showed. All of it must come from one snapshot. */
export interface OutboxReading {
  /** Ids found inside gaps, ascending. */
  readonly inGaps: readonly number[];
  /** Ids found above `high`, ascending. */
  readonly above: readonly number[];
  /** All transactions below this id had ended in that snapshot. */
  readonly xmin: bigint;
}

export class OutboxGaps {
  private list: Gap[] = [];
  private highest: number;

  constructor(position: number) {
    this.highest = position;
  }

  /** The largest id published or stepped over. */
  get high(): number {
    return this.highest;
  }

  get gaps(): readonly Gap[] {
    return this.list;
  }

  /** Every id up to this one is published or dead: a relay may start again from here. */
  get position(): number {
    return this.list.length === 0 ? this.highest : this.list[0]!.lo - 1;
  }

  /** True while some gap has no fence yet. */
  get needsFence(): boolean {
    return this.list.length > 0 && this.list[this.list.length - 1]!.fence === undefined;
  }

  /** Takes note of a reading whose rows have all been published. */
  published(reading: OutboxReading): void {
    // Gaps are settled against the old fences first: the gaps this very reading opens have none.
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

/** The gaps that remain: without the ids found, and without those that nobody can commit any more. */
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
