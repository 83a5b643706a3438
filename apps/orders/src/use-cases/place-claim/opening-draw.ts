// Who comes first at the opening is drawn by buyer, not by request. Every claim of the first moments waits: nobody's turn
// comes before the first half of the window is over, and in the second half turns come in the order of a keyed hash over
// item and buyer. It is the same in every process, so neither speed nor a hundred requests nor a second process moves a
// buyer forward; the key keeps the order from being known beforehand. After the window claims are taken as they come.
import { createHmac } from 'node:crypto';
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, sleep } from '@gravity/kernel';

/** Claims of one buyer that may wait for the draw of an item: a double tap and some patience, not a storm. */
const WAITING_PER_BUYER_MAX = 4;
const WAITING_MAX = 50_000;
/** How exactly turns are kept. */
const STEP_MS = 2;
/** Six bytes make a number that a double holds exactly. */
const RANK_BYTES = 6;

const STORM = refuse('rate-limited', 'Further claims of this buyer wait for the draw of this item already.', {
  retryAfterSeconds: 1,
}).error;
const FULL = refuse('overloaded', 'Too many claims wait for the draw. Repeat with the same Idempotency-Key.', {
  retryAfterSeconds: 1,
}).error;

interface Waiting {
  readonly dueMs: number;
  readonly buyerId: string;
  readonly go: () => void;
}

/** The claims that wait for their turn at one item, the next one last: it is taken off the end. */
interface Line {
  readonly waiting: Waiting[];
  readonly perBuyer: Map<string, number>;
}

export interface OpeningDrawOptions {
  /** How long after the opening claims take part. */
  readonly windowMs: number;
  /** The same in all processes, and known to nobody else. */
  readonly secret: string;
  /** The clock that the opening is judged by. */
  readonly clock: Clock;
}

/** Holds the claims of a round's opening back until their buyers' turns. */
export class OpeningDraw {
  private readonly key: Buffer;
  private readonly lines = new Map<string, Line>();
  private waitingNow = 0;

  constructor(private readonly options: OpeningDrawOptions) {
    this.key = createHmac('sha256', options.secret).update('opening draw').digest();
  }

  /** Whether a claim that is heard now takes part in the draw of a round that opens or opened then. */
  holds(opensAtMs: number, nowMs: number): boolean {
    return nowMs < opensAtMs + this.options.windowMs;
  }

  /** Resolves when it is the buyer's turn at the item, at once if it is over; with a refusal when too many wait. */
  turn(itemId: string, buyerId: string, opensAtMs: number): Promise<void> | Problem {
    const dueMs = opensAtMs + (this.options.windowMs * (1 + this.rankOf(itemId, buyerId))) / 2;
    const known = this.lines.get(itemId);
    const over = dueMs <= this.options.clock.nowMs();
    if (over && known === undefined) return Promise.resolve();
    const line = known ?? this.begin(itemId, opensAtMs);
    const own = line.perBuyer.get(buyerId) ?? 0;
    if (own >= WAITING_PER_BUYER_MAX) return STORM;
    if (this.waitingNow >= WAITING_MAX) return FULL;
    line.perBuyer.set(buyerId, own + 1);
    this.waitingNow += 1;
    const turn = new Promise<void>((go) =>
      line.waiting.splice(placeOf(line.waiting, dueMs), 0, { dueMs, buyerId, go }),
    );
    // The timer may be late: whoever's turn came before goes before.
    if (over) this.letGo(line);
    return turn;
  }

  /** From 0 to 1, by item and buyer only. */
  private rankOf(itemId: string, buyerId: string): number {
    const digest = createHmac('sha256', this.key).update(`${itemId} ${buyerId}`).digest();
    return digest.readUIntBE(0, RANK_BYTES) / 256 ** RANK_BYTES;
  }

  private begin(itemId: string, opensAtMs: number): Line {
    const line: Line = { waiting: [], perBuyer: new Map() };
    this.lines.set(itemId, line);
    // Runs on after the first claim has been put into the line.
    queueMicrotask(() => void this.callUp(itemId, line, opensAtMs + this.options.windowMs / 2));
    return line;
  }

  private async callUp(itemId: string, line: Line, beginsMs: number): Promise<void> {
    await sleep(Math.max(0, beginsMs - this.options.clock.nowMs()));
    // In steps: somebody may yet come whose turn is sooner than that of all who wait.
    while (line.waiting.length > 0) {
      this.letGo(line);
      await sleep(STEP_MS);
    }
    this.lines.delete(itemId);
  }

  private letGo({ waiting, perBuyer }: Line): void {
    const nowMs = this.options.clock.nowMs();
    for (let next = waiting.at(-1); next !== undefined && next.dueMs <= nowMs; next = waiting.at(-1)) {
      waiting.pop();
      this.waitingNow -= 1;
      perBuyer.set(next.buyerId, perBuyer.get(next.buyerId)! - 1);
      next.go();
    }
  }
}

/** Where a claim of this time belongs: its turn comes after those of the same time. */
function placeOf(waiting: readonly Waiting[], dueMs: number): number {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (waiting[middle]!.dueMs > dueMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
