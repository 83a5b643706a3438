// A local refusal for items that are sold out. A flag carries every buyer with a claim of the item in the gate, and
// leaves them to the gate, so a buyer who repeats a request that was accepted is never told "sold out"; and no flag
// stands when a returned unit goes on sale, because returned units rest for the longest life of a flag first (see
// gate-scripts.ts).

/** Items with more claims than this get no local flag: their refusals come from the gate. */
export const CLAIMS_PER_FLAG_MAX = 20_000;

interface Flag {
  readonly untilMs: number;
  readonly epoch: bigint;
  readonly buyers: ReadonlySet<string>;
}

export type FetchFlag = () => Promise<{ flagMs: number; buyers: Set<string> } | undefined>;

export class SoldOutBoard {
  private readonly flags = new Map<string, Flag>();
  private readonly fetching = new Set<string>();

  constructor(private readonly monotonic: () => number) {}

  /** Flags in memory. A flag that has ended stays until the next one is raised. */
  get size(): number {
    return this.flags.size;
  }

  /** True when any claim of this buyer can be refused as sold out right here. */
  refuses(itemId: string, epoch: bigint, buyerId: string): boolean {
    const flag = this.flags.get(itemId);
    if (flag === undefined) return false;
    if (this.monotonic() >= flag.untilMs || flag.epoch !== epoch) {
      this.flags.delete(itemId);
      return false;
    }
    return !flag.buyers.has(buyerId);
  }

  /** Raises a flag from the gate's answer; one question at a time per item. Failures only cost the flag. */
  async raise(itemId: string, epoch: bigint, fetch: FetchFlag): Promise<void> {
    if (this.fetching.has(itemId)) return;
    this.fetching.add(itemId);
    try {
      // The flag's life counts from before the question, so the way back can only shorten it.
      const askedAt = this.monotonic();
      const answer = await fetch();
      if (answer === undefined) return;
      this.dropEnded();
      this.flags.set(itemId, { untilMs: askedAt + answer.flagMs, epoch, buyers: answer.buyers });
    } catch {
      this.flags.delete(itemId);
    } finally {
      this.fetching.delete(itemId);
    }
  }

  /** Items of past rounds are not asked for again, and each flag holds up to {@link CLAIMS_PER_FLAG_MAX} buyers. */
  private dropEnded(): void {
    const nowMs = this.monotonic();
    for (const [itemId, { untilMs }] of this.flags) if (nowMs >= untilMs) this.flags.delete(itemId);
  }
}
