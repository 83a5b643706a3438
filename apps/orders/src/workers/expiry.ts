// Closes orders that were not paid in time, after asking the provider, and keeps asking about closed ones for a while,
// so that a late payment whose callback was lost is found as well. An expiry is a fact in Postgres found by a sweep,
// never a timer: several processes may sweep at once, and one that dies leaves its orders to the next.
import { OutboxRelay } from '@gravity/messaging';
import { Database, type Tx } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { Injectable, Logger, Optional } from '@nestjs/common';
import { decideExpiry, isFree } from '../domain/order';
import { GateControl } from '../gate/gate-control';
import { type OrderChange, FIRST_LATE_CHECK_MS, close, payFree } from '../order-changes';
import { type Inquiry, PaymentsInquiry } from '../payments-inquiry';
import type { LoadedOrder } from '../storage/order-rows';
import { CHANGES_MAX, loadOrders, lockOrders, writeChanges } from '../storage/order-writer';
import { type PaymentFact, PaymentSettler } from '../use-cases/receive-payment-callback/payment-settler';

export interface ExpiryOptions {
  /** Pause between sweeps that found little, in ms. */
  readonly pauseMs?: number;
  /**
   * Time during which the provider is asked about an expired order before it closes unanswered, and about a closed one,
   * in ms.
   */
  readonly askForMs?: number;
  /** The first repeat of an unanswered question, in ms; later ones wait twice as long each. Longer than one question. */
  readonly askAgainMs?: number;
}

const PAUSE_MS = 250;
const ASK_FOR_MS = 600_000;
const ASK_AGAIN_MS = 15_000;
const BATCH = CHANGES_MAX;
const DOUBLINGS_MAX = 6;

@Injectable()
export class ExpiryWorker extends Loop {
  private readonly log = new Logger('order-expiry');
  private readonly askForMs: number;
  private readonly askAgainMs: number;

  constructor(
    private readonly database: Database,
    private readonly settler: PaymentSettler,
    private readonly inquiry: PaymentsInquiry,
    private readonly gate: GateControl,
    private readonly relay: OutboxRelay,
    @Optional() options: ExpiryOptions = {},
  ) {
    super({ name: 'order-expiry', pauseMs: options.pauseMs ?? PAUSE_MS });
    this.askForMs = options.askForMs ?? ASK_FOR_MS;
    this.askAgainMs = options.askAgainMs ?? ASK_AGAIN_MS;
  }

  /** One sweep of both kinds. Public for tests and for the command line. Returns how many orders it looked at. */
  async sweep(): Promise<number> {
    const { closed, leased } = await this.takeExpired();
    if (closed > 0) this.announceReturns();
    if (leased.length > 0) await this.settleExpired(leased);
    const checked = await this.checkClosed();
    return Math.max(closed + leased.length, checked);
  }

  protected override async turn(): Promise<number | void> {
    if ((await this.sweep()) >= BATCH) return 0;
  }

  /**
   * Closes expired orders that have no intent at once; leases the others, which must be asked about first. An order that
   * costs nothing is paid, not closed: its buyer has nothing left to do.
   */
  private async takeExpired(): Promise<{ closed: number; leased: LoadedOrder[] }> {
    return this.database.transaction(async (tx) => {
      const due = await tx.query<{ order_id: string }>(
        `select order_id from orders
         where status = 'AWAITING_PAYMENT' and expires_at <= now() and (next_check_at is null or next_check_at <= now())
         order by expires_at limit ${BATCH} for no key update skip locked`,
      );
      if (due.length === 0) return { closed: 0, leased: [] };
      const orders = [
        ...(
          await loadOrders(
            tx,
            due.map((row) => row.order_id),
          )
        ).values(),
      ];
      const withIntent = orders.filter((order) => order.intent !== undefined);
      const without = orders.filter((order) => order.intent === undefined);
      await writeChanges(
        tx,
        without.map((order) => (isFree(order) ? payFree(order) : close(order, 'EXPIRED'))),
      );
      await this.lease(tx, withIntent);
      return { closed: without.length, leased: withIntent };
    });
  }

  private async lease(tx: Tx, orders: readonly LoadedOrder[]): Promise<void> {
    if (orders.length === 0) return;
    await tx.query(
      `update orders set check_attempts = check_attempts + 1,
         next_check_at = now() + make_interval(secs => $2 * power(2, least(check_attempts, ${DOUBLINGS_MAX})) / 1000.0)
       where order_id = any($1::uuid[])`,
      [orders.map((order) => order.orderId), this.askAgainMs],
    );
  }

  private async settleExpired(orders: readonly LoadedOrder[]): Promise<void> {
    const answers = await this.inquiry.shut(orders.map((order) => order.intent!.intentId));
    const inquiryOf = (order: LoadedOrder): Inquiry =>
      answers.get(order.intent?.intentId ?? '') ?? { answer: 'unknown' };
    const paid = orders.filter((order) => inquiryOf(order).answer === 'paid');
    await this.settlePaid(
      paid.map((order) => ({ kind: 'succeeded', orderId: order.orderId, charge: inquiryOf(order).charge! })),
    );
    const unpaid = orders.filter((order) => inquiryOf(order).answer !== 'paid');
    const changes = await this.database.transaction(async (tx) => {
      const locked = await lockOrders(
        tx,
        unpaid.map((order) => order.orderId),
      );
      const closing = [...locked.values()].flatMap((order): OrderChange[] => {
        const { answer, intentStatus } = inquiryOf(order);
        const mayAskAgain = order.nowMs < order.expiresAtMs + this.askForMs;
        const decision = decideExpiry(order.status, answer, mayAskAgain);
        return decision.do === 'close' ? [close(order, 'EXPIRED', intentStatus)] : [];
      });
      await writeChanges(tx, closing);
      return closing;
    });
    if (changes.length > 0) this.announceReturns();
  }

  private async settlePaid(facts: readonly PaymentFact[]): Promise<void> {
    if (facts.length === 0) return;
    const outcomes = await this.settler.settleBatch(facts);
    const late = facts.filter((_, index) => outcomes[index] === 'late');
    const settled = await Promise.allSettled(late.map((fact) => this.settler.settleLate(fact)));
    // An order that fails is asked about again later and must not delay the others.
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) this.log.warn(`a late payment is not settled yet: ${String(failed.reason)}`);
  }

  /** Looks at the intents of closed orders that are due for it. */
  private async checkClosed(): Promise<number> {
    const due = await this.database.query<{ order_id: string; intent_id: string }>(
      `update orders o set check_attempts = o.check_attempts + 1,
         next_check_at = case when o.closed_at + make_interval(secs => $2 / 1000.0) > now()
           then now() + make_interval(secs => $1 * power(2, least(o.check_attempts + 1, ${DOUBLINGS_MAX})) / 1000.0) end
       from (select order_id from orders where status = 'CLOSED' and next_check_at <= now()
             order by next_check_at limit ${BATCH} for no key update skip locked) due
       join payment_intents i on i.order_id = due.order_id
       where o.order_id = due.order_id
       returning o.order_id, i.intent_id`,
      [FIRST_LATE_CHECK_MS, this.askForMs],
    );
    if (due.length === 0) return 0;
    const answers = await this.inquiry.ask(due.map((row) => row.intent_id));
    await this.settlePaid(
      due.flatMap((row): PaymentFact[] => {
        const charge = answers.get(row.intent_id)?.charge;
        return charge === undefined ? [] : [{ kind: 'succeeded', orderId: row.order_id, charge }];
      }),
    );
    return due.length;
  }

  private announceReturns(): void {
    this.gate.wakeReturns();
    this.relay.wake();
  }
}
