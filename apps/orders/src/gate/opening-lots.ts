// The agreement of the processes of `orders` before the draw of an opening: the lowest ranks of all their buyers
// together, as many as there are units. With it a process may be late.
import { sleep } from '@gravity/kernel';
import { drawKeys, ENTERED } from './draw-scripts';
import { type GateConnection, type GateReply, GateUnavailable } from './gate-connection';
import type { GateControl } from './gate-control';

const RANKS_PER_CALL = 500;
const TRIES = 2;
/** A connection that only dropped is back sooner than this. */
const RECONNECT_WITHIN_MS = 100;
/** A clock of Redis that is further behind than this is wrong. */
const WAIT_MS_MAX = 2_000;

/** The item of a draw. */
export interface DrawnItem {
  readonly seriesId: string;
  readonly itemId: string;
  /** Epoch under which the gate was last seen. */
  readonly epoch: bigint;
  readonly admission: 'GATE' | 'DIRECT';
}

export class OpeningLots {
  constructor(
    private readonly connection: GateConnection,
    private readonly gate: GateControl,
  ) {}

  /**
   * Makes sure that the gate is loaded, long before entries close: without it no process can enter. Rejects when it has
   * to be loaded and Postgres is away, or when Redis is.
   */
  async prepare(item: DrawnItem, closesAtMs: number): Promise<void> {
    await this.enter(item, [], closesAtMs);
  }

  /**
   * Enters the ranks of this process' buyers, ascending, and waits until entries close, by Redis' clock. Resolves with
   * the highest rank that was drawn, the same in each process; with undefined when there is none, because Redis is
   * away, has lost its data or has another time. Rejects when the gate has to be loaded and Postgres is away.
   */
  async draw(item: DrawnItem, ranks: readonly number[], closesAtMs: number): Promise<number | undefined> {
    for (let count = 0; count < TRIES; count += 1) {
      try {
        for (let from = 0; from < ranks.length; from += RANKS_PER_CALL) {
          const answer = await this.enter(item, ranks.slice(from, from + RANKS_PER_CALL), closesAtMs);
          if (answer !== ENTERED.MORE) break;
        }
        return await this.drawn(item, closesAtMs);
      } catch (error) {
        if (!(error instanceof GateUnavailable)) throw error;
        await this.connection.back(RECONNECT_WITHIN_MS);
      }
    }
    return undefined;
  }

  /** One of {@link ENTERED}, after the gate was loaded if it was not there. */
  private async enter(item: DrawnItem, ranks: readonly number[], closesAtMs: number): Promise<GateReply[number]> {
    const ask = async (): Promise<GateReply[number]> =>
      (await this.connection.run('drawEnter', drawKeys(item.seriesId, item.itemId), closesAtMs, ...ranks))[0]!;
    const answer = await ask();
    if (answer !== ENTERED.ABSENT || item.admission === 'DIRECT') return answer;
    // Otherwise the first claim loads it, and claims that arrive during the load reach it in no order.
    await this.gate.load(item.seriesId, item.epoch);
    return ask();
  }

  private async drawn({ seriesId, itemId }: DrawnItem, closesAtMs: number): Promise<number | undefined> {
    for (;;) {
      const [waitMs, rank] = await this.connection.run('drawCutoff', drawKeys(seriesId, itemId), closesAtMs);
      if (Number(waitMs) <= 0) return rank === undefined ? undefined : Number(rank);
      if (Number(waitMs) > WAIT_MS_MAX) return undefined;
      await sleep(Number(waitMs));
    }
  }
}
