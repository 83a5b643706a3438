// What must be true: after every commit, when an answer is heard, and when all has come to rest.
import { type Problem } from '@gravity/contracts';
import { AssertionFailure, equalMoney, idFromUuid, type Result, uuidFromId } from '@gravity/kernel';
import { gateKeys } from '../../apps/orders/src/gate/gate-scripts';
import type { PlaceClaim } from '../../apps/orders/src/use-cases/place-claim/place-claim.command';
import type { PlacedClaim } from '../../apps/orders/src/use-cases/place-claim/placed-claims';
import { available } from './model-decide';
import { type ModelProvider, chargeOf } from './model-network';
import type { ModelRedis } from './model-redis';
import type { ModelStore, StoredOrder } from './model-tables';
import type { Life, Scheduler } from './scheduler';

/** `unknown`: the process died, something was away, or the buyer is asked to come again. */
type Heard = { readonly kind: 'order'; readonly orderId: string } | { readonly kind: 'refused' | 'unknown' };

interface Answer {
  readonly life: Life;
  /** An order of this claim was committed before the question. */
  readonly afterOrder: boolean;
  /** When it was asked and when that was over, counted in questions and answers. */
  readonly asked: number;
  over: number;
  hungUp: boolean;
  /** Its decision was on the way when the service last looked whether the caller is still there. */
  sent: boolean;
  heard: Heard | undefined;
}

/** What becomes of one question. */
interface Asked {
  readonly hungUp: () => boolean;
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

const LIVE = new Set<StoredOrder['status']>(['AWAITING_PAYMENT', 'PAID']);
/** Refusals that only say: come again. */
const NO_ANSWER = new Set<Problem['code']>(['unavailable']);

export class Promises {
  private readonly requests = new Set<Request>();
  private seenVersion = 0;
  private moments = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly store: ModelStore,
  ) {}

  /** A request is put to a process; the caller hands over what becomes of it. */
  asked(request: Request, life: Life): Asked {
    this.requests.add(request);
    const answer: Answer = {
      life,
      afterOrder: this.orderOf(request) !== undefined,
      asked: (this.moments += 1),
      over: Infinity,
      hungUp: false,
      sent: false,
      heard: undefined,
    };
    request.answers.push(answer);
    return {
      hungUp: () => {
        answer.sent = !answer.hungUp;
        return answer.hungUp;
      },
      answer: (result) => this.heard(request, answer, heardOf(result)),
      failure: (error) => {
        this.outage(error);
        this.heard(request, answer, { kind: 'unknown' });
      },
    };
  }

  /** A buyer who called an order off hears of it. */
  cancelled({ order_id, buyer_id }: StoredOrder, result: Result<unknown, Problem>): void {
    this.scheduler.note(`${buyer_id} hears: ${result.ok ? 'called off' : result.error.code}`);
    const order = this.store.tables.orders.get(order_id)!;
    if (result.ok) {
      const closed = order.close_reason === 'CANCELLED_BY_BUYER' && order.status !== 'AWAITING_PAYMENT';
      this.expect(closed, `${buyer_id} was told that an order is called off, and it is not`);
    } else if (result.error.code === 'order-not-cancellable') {
      this.expect(order.status !== 'AWAITING_PAYMENT', `${buyer_id} may not call off an order that awaits payment`);
    }
  }

  /** Nobody will hear from this process any more. */
  died(life: Life): void {
    for (const request of this.requests) {
      for (const answer of request.answers) {
        if (answer.life === life) this.over(answer, { kind: 'unknown' });
      }
    }
  }

  /** A buyer does not wait any longer for the answers that are still to come. True when there were any. */
  hangUp(request: Request): boolean {
    const open = request.answers.filter(({ heard }) => heard === undefined);
    for (const answer of open) {
      answer.hungUp = true;
      // Nobody calls a decision back that is on its way: it may come after a later question, and win.
      if (!answer.sent) this.over(answer, { kind: 'unknown' });
    }
    return open.length > 0;
  }

  /** An error is an outage or a bug of ours. */
  outage(error: unknown): void {
    if (error instanceof AssertionFailure || error instanceof TypeError || error instanceof RangeError)
      this.scheduler.complain(error.stack ?? error.message);
  }

  /** Counters, limits and wins, as they are committed. Looks only when something was committed since. */
  check(): void {
    if (this.store.version === this.seenVersion) return;
    this.seenVersion = this.store.version;
    const { items, orders, wins, rounds, late } = this.store.tables;
    const all = [...orders.values()];
    for (const item of items.values()) {
      const mine = all.filter((order) => order.item_id === item.item_id);
      const units = (status: string): number =>
        mine.reduce((sum, order) => sum + (order.status === status ? order.quantity : 0), 0);
      this.expect(item.held + item.sold + item.written_off <= item.quota, 'sold more than there is');
      this.expect(item.held === units('AWAITING_PAYMENT'), 'held differs from the orders that await payment');
      this.expect(item.sold === units('PAID'), 'sold differs from the orders that are paid');
      for (const buyer of new Set(mine.map((order) => order.buyer_id))) {
        const has = mine.filter((order) => order.buyer_id === buyer && LIVE.has(order.status));
        const sum = has.reduce((total, order) => total + order.quantity, 0);
        this.expect(sum <= item.per_buyer_limit, `${buyer} has ${sum} units, more than one buyer may have`);
      }
    }
    this.expect(new Set(all.map((order) => order.claim_id)).size === all.length, 'one claim has two orders');
    for (const { buyer_id, wins: counted } of wins.values()) {
      const has = all.filter((order) => order.buyer_id === buyer_id && LIVE.has(order.status)).length;
      const limit = [...rounds.values()][0]!.win_limit;
      this.expect(counted === has, `${buyer_id} has ${has} orders and ${counted} wins`);
      this.expect(limit === null || counted <= limit, `${buyer_id} has won more often than allowed`);
    }
    for (const order of all) this.checkMoney(order, late.get(order.order_id)?.decision);
  }

  /**
   * Before the buyers ask again: nobody was told no last and has an order all the same. A no is the last word when all
   * earlier questions were over before it was asked: who asks twice at once has to hear both answers.
   */
  checkRefusals(): void {
    for (const request of this.requests) {
      const last = request.answers.at(-1)!;
      const earlier = request.answers.slice(0, -1);
      const isLastWord = last.heard?.kind === 'refused' && earlier.every(({ over }) => over < last.asked);
      const silent = earlier.every(({ heard }) => heard?.kind !== 'order');
      if (isLastWord && silent && this.orderOf(request) !== undefined)
        this.scheduler.complain(`${request.name} was refused, and has an order that nobody told of`);
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

  /** All has come to rest: both sides agree on every unit, and every request has had its one answer. */
  checkRest(redis: ModelRedis, seriesId: string): void {
    this.check();
    const { items, series, returns } = this.store.tables;
    if (series.get(seriesId)!.epoch > 0) {
      for (const item of items.values()) {
        const view = redis.run('gateView', gateKeys(seriesId, item.item_id), []);
        const [epoch, , free, claimed, ...pending] = view;
        this.expect(epoch === String(item.epoch), `the gate is at epoch ${epoch}, the item at ${item.epoch}`);
        this.expect(Number(free) === available(item), `the gate has ${free} units free, Postgres ${available(item)}`);
        this.expect(
          Number(claimed) === item.held + item.sold,
          `the gate has ${claimed} units claimed, Postgres ${item.held + item.sold}`,
        );
        this.expect(pending.length === 0, 'a claim is pending for ever');
      }
    }
    this.expect(returns.size === 0, 'the gate never heard of a return');
    for (const request of this.requests) {
      const last = request.answers.at(-1)!.heard;
      this.expect(last !== undefined && last.kind !== 'unknown', `${request.name} gets no answer`);
    }
  }

  /** Every refund has come to its end, and the provider has given back what it was asked for, once. */
  checkRefunds({ intents, refunds }: ModelProvider): void {
    const { orders, refunds: asked } = this.store.tables;
    for (const order of orders.values())
      this.expect(order.status !== 'REFUNDING', 'the money of an order is on its way back for ever');
    this.expect(refunds.size === asked.size, `${asked.size} refunds were asked for, ${refunds.size} were made`);
    for (const row of asked.values()) {
      const made = refunds.get(idFromUuid('refund', row.refund_id));
      const taken = intents.get(row.intent_id);
      const whole = made !== undefined && taken !== undefined && equalMoney(made.amount, taken.charged);
      this.expect(row.status === 'SUCCEEDED' && made?.status === 'SUCCEEDED', 'a refund has no end');
      this.expect(whole && made.chargeId === chargeOf(taken.intentId), 'another sum is given back than was taken');
    }
  }

  private over(answer: Answer, heard: Heard): void {
    if (answer.heard !== undefined) return;
    answer.heard = heard;
    answer.over = this.moments += 1;
  }

  private heard(request: Request, answer: Answer, heard: Heard): void {
    if (answer.hungUp) return;
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

  /** A paid order has its money once; a closed one whose money came has one answer to that. */
  private checkMoney(order: StoredOrder, late: string | undefined): void {
    const { intents, refunds } = this.store.tables;
    const intent = [...intents.values()].find((row) => row.order_id === order.order_id);
    const refunded = [...refunds.values()].some((row) => row.order_id === order.order_id);
    const paid = intent?.status === 'PAID';
    if (order.status === 'PAID') this.expect(paid && !refunded, 'a paid order without its money');
    if (order.status === 'CLOSED')
      this.expect(!paid, 'an order that was paid is closed, and nothing came of its money');
    if (order.status === 'REFUNDING' || order.status === 'REFUNDED')
      this.expect(paid && refunded, 'a refund without a charge');
    if (late === 'HONOURED') this.expect(order.status === 'PAID', 'a late payment was honoured and is not');
  }

  private orderOf(request: Request): StoredOrder | undefined {
    for (const order of this.store.tables.orders.values()) if (order.claim_id === request.claimId) return order;
    return undefined;
  }

  private expect(holds: boolean, what: string): void {
    if (!holds) this.scheduler.complain(what);
  }
}

function heardOf(result: Result<PlacedClaim, Problem>): Heard {
  if (result.ok) return { kind: 'order', orderId: uuidFromId('order', result.value.order.orderId)! };
  return { kind: NO_ANSWER.has(result.error.code) ? 'unknown' : 'refused' };
}
