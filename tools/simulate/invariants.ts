// The invariants: after every commit, at every answer, and when everything has come to rest.
import { type Problem } from '@gravity/contracts';
import { AssertionFailure, type Result, uuidFromId } from '@gravity/kernel';
import { gateKeys } from '../../apps/orders/src/gate/gate-scripts';
import type { PlaceClaim } from '../../apps/orders/src/use-cases/place-claim/place-claim.command';
import type { PlacedClaim } from '../../apps/orders/src/use-cases/place-claim/placed-claims';
import { available, isLive } from './model-decide';
import type { ModelRedis } from './model-redis';
import type { ModelStore, StoredOrder } from './model-tables';
import type { Life, Scheduler } from './scheduler';

/** `unknown`: the process died, an engine was away, or the buyer is asked to retry. */
type Heard = { readonly kind: 'order'; readonly orderId: string } | { readonly kind: 'refused' | 'unknown' };

interface Answer {
  readonly life: Life;
  /** An order of this claim was committed before the question. */
  readonly afterOrder: boolean;
  /** When the request was sent and when its answer came, counted in requests and answers. */
  readonly asked: number;
  over: number;
  aborted: boolean;
  /** The service checked that the caller is connected, and then sent the claim to its decision. */
  sent: boolean;
  heard: Heard | undefined;
}

/** The callbacks of one request that was sent. */
interface Asked {
  readonly aborted: () => boolean;
  readonly answer: (result: Result<PlacedClaim, Problem>) => void;
  readonly failure: (error: unknown) => void;
}

/** One request of a buyer, with every answer to it and to its repeats. */
export interface Request {
  readonly name: string;
  readonly claimId: string;
  readonly command: PlaceClaim;
  readonly answers: Answer[];
}

/** Refusals that only ask for a retry. */
const NO_ANSWER = new Set<Problem['code']>(['unavailable']);

export class Invariants {
  private readonly requests = new Set<Request>();
  private seenVersion = 0;
  private moments = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly store: ModelStore,
  ) {}

  /** A request is sent to a process. The caller reports its end through the callbacks. */
  asked(request: Request, life: Life): Asked {
    this.requests.add(request);
    const answer: Answer = {
      life,
      afterOrder: this.orderOf(request) !== undefined,
      asked: (this.moments += 1),
      over: Infinity,
      aborted: false,
      sent: false,
      heard: undefined,
    };
    request.answers.push(answer);
    return {
      aborted: () => {
        answer.sent = !answer.aborted;
        return answer.aborted;
      },
      answer: (result) => this.heard(request, answer, heardOf(result)),
      failure: (error) => {
        this.outage(error);
        this.heard(request, answer, { kind: 'unknown' });
      },
    };
  }

  /** A cancellation is answered. */
  cancelled({ order_id, buyer_id }: StoredOrder, result: Result<unknown, Problem>): void {
    this.scheduler.note(`${buyer_id} hears: ${result.ok ? 'cancelled' : result.error.code}`);
    const order = this.store.tables.orders.get(order_id)!;
    if (result.ok) {
      const closed = order.close_reason === 'CANCELLED_BY_BUYER' && order.status !== 'AWAITING_PAYMENT';
      this.expect(closed, `${buyer_id} was told that an order is cancelled, and it is not`);
    } else if (result.error.code === 'order-not-cancellable') {
      this.expect(order.status !== 'AWAITING_PAYMENT', `${buyer_id} may not cancel an order that awaits payment`);
    }
  }

  /** The process is dead: its open requests get no answer. */
  died(life: Life): void {
    for (const request of this.requests) {
      for (const answer of request.answers) {
        if (answer.life === life) this.over(answer, { kind: 'unknown' });
      }
    }
  }

  /** The buyer disconnects before the open answers. True when there were any. */
  abort(request: Request): boolean {
    const open = request.answers.filter(({ heard }) => heard === undefined);
    for (const answer of open) {
      answer.aborted = true;
      // A decision that is on its way cannot be stopped: it may be made after a later request, and win.
      if (!answer.sent) this.over(answer, { kind: 'unknown' });
    }
    return open.length > 0;
  }

  /** The service threw. An outage is expected; an assertion or a type error is a bug. */
  outage(error: unknown): void {
    if (error instanceof AssertionFailure || error instanceof TypeError || error instanceof RangeError)
      this.scheduler.complain(error.stack ?? error.message);
  }

  /** Counters, limits and wins, as they are committed. Does nothing when there was no commit since the last check. */
  check(): void {
    if (this.store.version === this.seenVersion) return;
    this.seenVersion = this.store.version;
    const { items, orders, wins, rounds } = this.store.tables;
    const all = [...orders.values()];
    for (const item of items.values()) {
      const mine = all.filter((order) => order.item_id === item.item_id);
      const live = mine.filter(isLive);
      this.expect(item.held <= item.quota, 'more units are held than the quota');
      this.expect(item.held === unitsOf(live), 'held differs from the orders that await payment');
      this.expect(item.released === unitsOf(mine) - unitsOf(live), 'released differs from the orders that are closed');
      for (const buyer of new Set(live.map((order) => order.buyer_id))) {
        const units = unitsOf(live.filter((order) => order.buyer_id === buyer));
        this.expect(units <= item.per_buyer_limit, `${buyer} has ${units} units, more than the limit per buyer`);
      }
    }
    this.expect(new Set(all.map((order) => order.claim_id)).size === all.length, 'one claim has two orders');
    for (const { buyer_id, wins: counted } of wins.values()) {
      const has = all.filter((order) => order.buyer_id === buyer_id && isLive(order)).length;
      const limit = [...rounds.values()][0]!.win_limit;
      this.expect(counted === has, `${buyer_id} has ${has} orders and ${counted} wins`);
      this.expect(limit === null || counted <= limit, `${buyer_id} has won more often than allowed`);
    }
  }

  /**
   * Before the buyers ask again: no buyer who was refused last has an order. A refusal is the last answer when all earlier
   * requests were over before its own was sent; requests at the same time may have different answers.
   */
  checkRefusals(): void {
    for (const request of this.requests) {
      const last = request.answers.at(-1)!;
      const earlier = request.answers.slice(0, -1);
      const isLastAnswer = last.heard?.kind === 'refused' && earlier.every(({ over }) => over < last.asked);
      const silent = earlier.every(({ heard }) => heard?.kind !== 'order');
      if (isLastAnswer && silent && this.orderOf(request) !== undefined)
        this.scheduler.complain(`${request.name} was refused, and has an order that no answer named`);
    }
  }

  /** True when the gate in Redis is not the one in force, or not open. */
  gateIsAbsent(redis: ModelRedis, seriesId: string): boolean {
    const { items, series } = this.store.tables;
    if (series.get(seriesId)!.epoch === 0) return false;
    return [...items.values()].some((item) => {
      const [epoch, state] = redis.run('gateView', gateKeys(seriesId, item.item_id), []);
      return epoch !== String(item.epoch) || state !== 'open';
    });
  }

  /** Everything has come to rest: Redis and Postgres agree on every unit, and every request has its answer. */
  checkRest(redis: ModelRedis, seriesId: string): void {
    this.check();
    const { items, series, returns } = this.store.tables;
    if (series.get(seriesId)!.epoch > 0) {
      for (const item of items.values()) {
        const view = redis.run('gateView', gateKeys(seriesId, item.item_id), []);
        const [epoch, , free, claimed, ...pending] = view;
        this.expect(epoch === String(item.epoch), `the gate is at epoch ${epoch}, the item at ${item.epoch}`);
        this.expect(Number(free) === available(item), `the gate has ${free} units free, Postgres ${available(item)}`);
        this.expect(Number(claimed) === item.held, `the gate has ${claimed} units claimed, Postgres ${item.held}`);
        this.expect(pending.length === 0, 'a claim is pending for ever');
      }
    }
    this.expect(returns.size === 0, 'a return never reached the gate');
    for (const request of this.requests) {
      const last = request.answers.at(-1)!.heard;
      this.expect(last !== undefined && last.kind !== 'unknown', `${request.name} gets no answer`);
    }
  }

  private over(answer: Answer, heard: Heard): void {
    if (answer.heard !== undefined) return;
    answer.heard = heard;
    answer.over = this.moments += 1;
  }

  private heard(request: Request, answer: Answer, heard: Heard): void {
    if (answer.aborted) return;
    this.over(answer, heard);
    this.scheduler.note(`${request.name} hears: ${heard.kind}`);
    const order = this.orderOf(request);
    if (heard.kind === 'order') {
      this.expect(order?.order_id === heard.orderId, `${request.name} was told of an order that is not committed`);
      const others = request.answers.flatMap(({ heard: other }) => (other?.kind === 'order' ? other.orderId : []));
      this.expect(
        others.every((orderId) => orderId === heard.orderId),
        `${request.name} was told of two orders`,
      );
    } else if (heard.kind === 'refused') {
      this.expect(!answer.afterOrder, `${request.name} was refused after it had been accepted`);
    }
  }

  private orderOf(request: Request): StoredOrder | undefined {
    for (const order of this.store.tables.orders.values()) if (order.claim_id === request.claimId) return order;
    return undefined;
  }

  private expect(holds: boolean, what: string): void {
    if (!holds) this.scheduler.complain(what);
  }
}

const unitsOf = (orders: readonly StoredOrder[]): number => orders.reduce((sum, { quantity }) => sum + quantity, 0);

function heardOf(result: Result<PlacedClaim, Problem>): Heard {
  if (result.ok) return { kind: 'order', orderId: uuidFromId('order', result.value.order.orderId)! };
  return { kind: NO_ANSWER.has(result.error.code) ? 'unknown' : 'refused' };
}
