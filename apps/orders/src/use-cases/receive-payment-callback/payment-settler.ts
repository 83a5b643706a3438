// Gives every payment its effect, once, from each source: a callback, the expiry worker that asked the provider, or a
// cancellation that came too late. The effect and the note that an event was seen are one transaction. Orders that cost
// nothing are paid here too, without a provider.
import { Injectable } from '@nestjs/common';
import { OutboxRelay } from '@gravity/messaging';
import { Database, type Tx } from '@gravity/persistence';
import { assert } from '@gravity/kernel';
import { decidePaymentFailed, decidePaymentSucceeded, decideRefundSucceeded } from '../../domain/order';
import { GateControl } from '../../gate/gate-control';
import {
  type Charge,
  type OrderChange,
  closeAndRefund,
  finishRefund,
  pay,
  payFree,
  refundCharge,
} from '../../order-changes';
import { type LoadedOrder, moneyOf } from '../../storage/order-rows';
import { loadOrders, lockOrders, CHANGES_MAX, writeChanges } from '../../storage/order-writer';
import { decideLate } from './late-payment';
import type { SettleOutcome } from './settle-outcome';

/** A fact from the provider about the money of an order. */
export interface PaymentFact {
  readonly kind: 'succeeded' | 'failed' | 'refunded';
  /** The order's uuid; undefined when the provider names an order that cannot be one of ours. */
  readonly orderId: string | undefined;
  readonly charge: Charge;
  readonly providerRefundId?: string;
  /** The callback that brought the fact; absent when the provider was asked. */
  readonly event?: { readonly provider: string; readonly eventId: string; readonly type: string };
}

/** Attempts of a late payment at a gate that keeps being rebuilt, before it is refunded. */
const TAKES_MAX = 3;

interface Step {
  readonly fact: PaymentFact;
  readonly outcome: SettleOutcome | 'late';
  readonly change?: OrderChange;
}

@Injectable()
export class PaymentSettler {
  constructor(
    private readonly database: Database,
    private readonly gate: GateControl,
    private readonly relay: OutboxRelay,
  ) {}

  /** Settles one fact, late payments included. Throws when the database does not answer: tell the fact again then. */
  async settle(fact: PaymentFact): Promise<SettleOutcome> {
    const [outcome] = await this.settleBatch([fact]);
    assert(outcome !== undefined, 'one fact, one outcome');
    return outcome === 'late' ? this.settleLate(fact) : outcome;
  }

  /**
   * Settles facts with one transaction for all orders that occur once; a second fact about an order waits for the next
   * one. A fact that comes back as `late` has had no effect yet: call {@link settleLate}.
   */
  async settleBatch(facts: readonly PaymentFact[]): Promise<(SettleOutcome | 'late')[]> {
    const outcomes = new Array<SettleOutcome | 'late'>(facts.length);
    let left = facts.map((fact, index) => ({ fact, index }));
    // Each pass settles at least one fact, so there are at most as many passes as facts.
    while (left.length > 0) {
      const seen = new Set<string>();
      const now = left.filter(({ fact }) => {
        const key = fact.orderId ?? `${fact.event?.provider} ${fact.event?.eventId}`;
        return !seen.has(key) && seen.add(key);
      });
      const settled = await this.pass(now.map(({ fact }) => fact));
      settled.forEach((outcome, index) => (outcomes[now[index]!.index] = outcome));
      const done = new Set(now.map(({ index }) => index));
      left = left.filter(({ index }) => !done.has(index));
    }
    return outcomes;
  }

  /** Honours a payment of a closed order with a fresh unit, or refunds it. */
  async settleLate(fact: PaymentFact): Promise<SettleOutcome> {
    const orderId = fact.orderId;
    assert(orderId !== undefined, 'a late payment belongs to an order');
    for (let takes = 1; ; takes += 1) {
      const outcome = await decideLate({
        database: this.database,
        gate: this.gate,
        orderId,
        charge: fact.charge,
        mayTakeAgain: takes < TAKES_MAX,
        otherwise: (tx, order) => this.settleOne(tx, order, fact),
        note: (tx, result) => noteEvents(tx, [{ fact, outcome: result }]),
      });
      if (outcome === 'take-again') continue;
      this.relay.wake();
      return outcome;
    }
  }

  /**
   * Pays orders that cost nothing, {@link CHANGES_MAX} at most, and returns how many. Safe in several processes at once: an
   * order that another transaction holds is left to it, or to the next call.
   */
  async settleFree(): Promise<number> {
    const changes = await this.database.transaction(async (tx) => {
      const due = await tx.query<{ order_id: string }>(
        `select order_id from orders where status = 'AWAITING_PAYMENT' and total_minor = 0
         order by order_id limit ${CHANGES_MAX} for no key update skip locked`,
      );
      if (due.length === 0) return [];
      const orders = await loadOrders(
        tx,
        due.map((row) => row.order_id),
      );
      const paid = [...orders.values()].map(payFree);
      await writeChanges(tx, paid);
      return paid;
    });
    this.announce(changes);
    return changes.length;
  }

  private async pass(facts: readonly PaymentFact[]): Promise<(SettleOutcome | 'late')[]> {
    const steps = await this.database.transaction(async (tx) => {
      const orders = await lockOrders(
        tx,
        facts.flatMap((fact) => fact.orderId ?? []),
      );
      // Under the locks: of two deliveries of one event, the second one sees the first one's note.
      const seen = await seenEvents(tx, facts);
      const decided = facts.map((fact): Step => {
        const order = fact.orderId === undefined ? undefined : orders.get(fact.orderId);
        if (fact.event !== undefined && seen.has(eventKey(fact.event))) return { fact, outcome: 'duplicate' };
        return order === undefined ? { fact, outcome: 'unmatched' } : decide(order, fact);
      });
      await writeChanges(
        tx,
        decided.flatMap((step) => step.change ?? []),
      );
      await noteEvents(tx, decided);
      return decided;
    });
    this.announce(steps.flatMap((step) => step.change ?? []));
    return steps.map((step) => step.outcome);
  }

  /** The late path's way for an order that has left CLOSED. */
  private async settleOne(tx: Tx, order: LoadedOrder, fact: PaymentFact): Promise<SettleOutcome> {
    if (fact.event !== undefined && (await seenEvents(tx, [fact])).size > 0) return 'duplicate';
    const step = decide(order, fact);
    assert(step.outcome !== 'late', 'the late path keeps its own orders');
    if (step.change !== undefined) await writeChanges(tx, [step.change]);
    return step.outcome;
  }

  private announce(changes: readonly OrderChange[]): void {
    if (changes.some((change) => change.givesBack)) this.gate.wakeReturns();
    if (changes.some((change) => change.events.length > 0)) this.relay.wake();
  }
}

function decide(order: LoadedOrder, fact: PaymentFact): Step {
  switch (fact.kind) {
    case 'failed':
      return { fact, outcome: decidePaymentFailed(order).do === 'note' ? 'declined' : 'nothing' };
    case 'refunded': {
      const refund = order.refunds.find(
        (known) => known.chargeId === fact.charge.chargeId && known.status === 'REQUESTED',
      );
      if (refund === undefined) return { fact, outcome: 'nothing' };
      const open = order.refunds.filter((known) => known.status === 'REQUESTED').length - 1;
      const { moves } = decideRefundSucceeded(order.status, open);
      return { fact, outcome: 'refunded', change: finishRefund(order, refund, fact.providerRefundId ?? '', moves) };
    }
    case 'succeeded':
      return decideSuccess(order, fact);
  }
}

function decideSuccess(order: LoadedOrder, fact: PaymentFact): Step {
  const decision = decidePaymentSucceeded(moneyOf(order), fact.charge);
  switch (decision.do) {
    case 'nothing':
      return { fact, outcome: 'nothing' };
    case 'late':
      return { fact, outcome: 'late' };
    case 'pay':
      return { fact, outcome: 'paid', change: pay(order, fact.charge) };
    case 'close-and-refund':
      return { fact, outcome: 'discrepancy', change: closeAndRefund(order, fact.charge) };
    case 'refund':
      return {
        fact,
        outcome: 'refund-requested',
        change: refundCharge(order, fact.charge, decision.reason, decision.moves),
      };
  }
}

function eventKey(event: { readonly provider: string; readonly eventId: string }): string {
  return `${event.provider} ${event.eventId}`;
}

async function seenEvents(tx: Tx, facts: readonly PaymentFact[]): Promise<Set<string>> {
  const events = facts.flatMap((fact) => fact.event ?? []);
  if (events.length === 0) return new Set();
  const rows = await tx.query<{ provider: string; event_id: string }>(
    `select provider, event_id from payment_callbacks
     where (provider, event_id) in (select * from unnest($1::text[], $2::text[]))`,
    [events.map((event) => event.provider), events.map((event) => event.eventId)],
  );
  return new Set(rows.map((row) => eventKey({ provider: row.provider, eventId: row.event_id })));
}

/** Notes the callbacks that are settled by now, in event order, so that two batches cannot deadlock. */
async function noteEvents(tx: Tx, steps: readonly Pick<Step, 'fact' | 'outcome'>[]): Promise<void> {
  const settled = steps
    .filter((step) => step.fact.event !== undefined && step.outcome !== 'duplicate' && step.outcome !== 'late')
    .sort((a, b) => (eventKey(a.fact.event!) < eventKey(b.fact.event!) ? -1 : 1));
  if (settled.length === 0) return;
  await tx.query(
    `insert into payment_callbacks (provider, event_id, type, order_id, outcome)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[])
     on conflict (provider, event_id) do nothing`,
    [
      settled.map((step) => step.fact.event!.provider),
      settled.map((step) => step.fact.event!.eventId),
      settled.map((step) => step.fact.event!.type),
      settled.map((step) => step.fact.orderId ?? null),
      settled.map((step) => step.outcome),
    ],
  );
}
