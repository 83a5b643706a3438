// The order at the opening is drawn by buyer, not by request. Every claim of the first moments waits. Its buyer's rank
// is a keyed hash over item and buyer, the same in every process, so neither speed nor a hundred requests nor a second
// process moves a buyer forward; the key keeps ranks from being known beforehand. Halfway through the window the
// processes agree on the lowest ranks of all, as many as there are units. These go to the gate first, all others after
// a pause, so it matters little which process is late. After the window claims are taken as they come.
import { createHmac } from 'node:crypto';
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, sleep } from '@gravity/kernel';
import type { DrawnItem, OpeningLots } from './opening-lots';

/** Claims of one buyer that may wait for the draw of an item: enough for double taps, too few for a flood. */
const WAITING_PER_BUYER_MAX = 4;
const WAITING_MAX = 50_000;
/** The precision of turns. */
const STEP_MS = 2;
/** Six bytes make a number that a double holds exactly. */
const RANK_BYTES = 6;
const RANKS = 256 ** RANK_BYTES;

/** Parts of the window, as shares of it. */
const ENTRIES_OPEN = 4 / 8;
const ENTRIES_CLOSE = 5 / 8;
/** End of the turns of drawn buyers. */
const DRAWN_END = 6 / 8;
/** Start of the turns of all others. */
const REST_BEGINS = 7 / 8;
/** A process may be this late without a change of a buyer's odds. */
const MARGIN = REST_BEGINS - DRAWN_END;

const STORM = refuse('rate-limited', 'Further claims of this buyer wait for the draw of this item already.', {
  retryAfterSeconds: 1,
}).error;
const FULL = refuse('overloaded', 'Too many claims wait for the draw. Repeat with the same Idempotency-Key.', {
  retryAfterSeconds: 1,
}).error;

interface Waiting {
  readonly rank: number;
  readonly buyerId: string;
  readonly go: () => void;
}

/** The claims that wait for their turn at one item, the next one last: it is taken off the end. */
interface Line {
  readonly opensAtMs: number;
  readonly waiting: Waiting[];
  readonly perBuyer: Map<string, number>;
  /** The time of a rank's turn, once it is known. */
  dueMs: ((rank: number) => number) | undefined;
}

export type Lots = Pick<OpeningLots, 'prepare' | 'draw'>;

/** The origin of this process' order: agreed with the others, alone, or agreed but late. */
export type DrawOutcome = 'agreed' | 'alone' | 'late';

export interface OpeningDrawOptions {
  /** Claims take part this long after the opening. */
  readonly windowMs: number;
  /** The same in all processes, and known to no client. */
  readonly secret: string;
  /** The clock that the opening is judged by. */
  readonly clock: Clock;
  /** Through it the processes agree on the drawn ranks. */
  readonly lots: Lots;
  readonly onOutcome?: (outcome: DrawOutcome) => void;
}

/** Holds the claims of a round's opening back until their buyers' turns. */
export class OpeningDraw {
  private readonly key: Buffer;
  private readonly lines = new Map<string, Line>();
  private waitingNow = 0;

  constructor(private readonly options: OpeningDrawOptions) {
    this.key = createHmac('sha256', options.secret).update('opening draw').digest();
  }

  /**
   * Resolves when it is the buyer's turn at the item. A refusal when too many claims wait. Undefined when the window of the
   * round that opened then is over: claims come to the gate as they arrive.
   */
  turn(item: DrawnItem, buyerId: string, opensAtMs: number): Promise<void> | Problem | undefined {
    if (this.options.clock.nowMs() >= opensAtMs + this.options.windowMs) return undefined;
    const line = this.lines.get(item.itemId) ?? this.begin(item, opensAtMs);
    const own = line.perBuyer.get(buyerId) ?? 0;
    if (own >= WAITING_PER_BUYER_MAX) return STORM;
    if (this.waitingNow >= WAITING_MAX) return FULL;
    line.perBuyer.set(buyerId, own + 1);
    this.waitingNow += 1;
    const rank = this.rankOf(item.itemId, buyerId);
    return new Promise<void>((go) => {
      line.waiting.splice(placeOf(line.waiting, rank), 0, { rank, buyerId, go });
      // The timer may be late: claims whose turn came before go before.
      this.letGo(line);
    });
  }

  /** By item and buyer only, below {@link RANKS}. */
  private rankOf(itemId: string, buyerId: string): number {
    const digest = createHmac('sha256', this.key).update(`${itemId} ${buyerId}`).digest();
    return digest.readUIntBE(0, RANK_BYTES);
  }

  private begin(item: DrawnItem, opensAtMs: number): Line {
    const line: Line = { opensAtMs, waiting: [], perBuyer: new Map(), dueMs: undefined };
    this.lines.set(item.itemId, line);
    // The draw itself tries a failed preparation again.
    this.options.lots.prepare(item, this.momentOf(line, ENTRIES_CLOSE)).catch(() => undefined);
    // Runs on after the first claim has been put into the line.
    queueMicrotask(() => void this.callUp(item, line));
    return line;
  }

  private async callUp(item: DrawnItem, line: Line): Promise<void> {
    let latestMs = await this.until(this.momentOf(line, ENTRIES_OPEN));
    const highest = await this.highestDrawn(item, line);
    line.dueMs = highest === undefined ? this.turnsAlone(line) : this.turnsOf(line, highest);
    // In steps: a claim with an earlier turn than all waiting ones may still arrive.
    for (this.letGo(line); line.waiting.length > 0; this.letGo(line)) {
      latestMs = Math.max(latestMs, await this.until(this.options.clock.nowMs() + STEP_MS));
    }
    this.lines.delete(item.itemId);
    const late = latestMs > MARGIN * this.options.windowMs;
    this.options.onOutcome?.(highest === undefined ? 'alone' : late ? 'late' : 'agreed');
  }

  /** The agreement of the processes; undefined when it takes too long. */
  private highestDrawn(item: DrawnItem, line: Line): Promise<number | undefined> {
    const ascending = [...new Set(line.waiting.map(({ rank }) => rank))].reverse();
    const lots = this.options.lots.draw(item, ascending, this.momentOf(line, ENTRIES_CLOSE));
    const marginMs = MARGIN * this.options.windowMs;
    const tooLongMs = Math.max(this.momentOf(line, DRAWN_END), this.options.clock.nowMs() + marginMs);
    // Without the others, for any reason, the order is made alone and counted as such.
    return Promise.race([lots.catch(() => undefined), this.until(tooLongMs).then(() => undefined)]);
  }

  /** Claims that are drawn come first, then the others, each group in the order of ranks. */
  private turnsOf(line: Line, highest: number): (rank: number) => number {
    const turnsIn = (from: number, until: number, share: number): number =>
      this.momentOf(line, from + (until - from) * share);
    return (rank) =>
      rank <= highest
        ? turnsIn(ENTRIES_CLOSE, DRAWN_END, rank / (highest + 1))
        : turnsIn(REST_BEGINS, 1, (rank - highest) / (RANKS - highest));
  }

  /** Without an agreement the order is as exact as the processes are on time. */
  private turnsAlone(line: Line): (rank: number) => number {
    return (rank) => this.momentOf(line, ENTRIES_CLOSE + (1 - ENTRIES_CLOSE) * (rank / RANKS));
  }

  private momentOf({ opensAtMs }: Line, share: number): number {
    return opensAtMs + this.options.windowMs * share;
  }

  /** Resolves at the moment, with how late it is, in milliseconds. */
  private async until(ms: number): Promise<number> {
    const { clock } = this.options;
    const left = ms - clock.nowMs();
    if (left > 0) await sleep(left);
    return left > 0 ? clock.nowMs() - ms : 0;
  }

  private letGo({ waiting, perBuyer, dueMs }: Line): void {
    if (dueMs === undefined) return;
    const nowMs = this.options.clock.nowMs();
    for (let next = waiting.at(-1); next !== undefined && dueMs(next.rank) <= nowMs; next = waiting.at(-1)) {
      waiting.pop();
      this.waitingNow -= 1;
      perBuyer.set(next.buyerId, perBuyer.get(next.buyerId)! - 1);
      next.go();
    }
  }
}

/** The place of a claim of this rank: after those of the same rank. */
function placeOf(waiting: readonly Waiting[], rank: number): number {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (waiting[middle]!.rank > rank) low = middle + 1;
    else high = middle;
  }
  return low;
}
