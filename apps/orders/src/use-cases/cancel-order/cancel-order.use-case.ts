// The buyer cancels an unpaid order. The intent is cancelled at the provider first: a payment that was faster wins.
import { type Problem, refuse } from '@gravity/contracts';
import { idFromUuid, type Result, ok } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import { notFound } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { type OrderStatus, decideCancellation } from '../../domain/order';
import { GateControl } from '../../gate/gate-control';
import { close } from '../../order-changes';
import { type OrderView, orderView } from '../../order-view';
import { type Inquiry, PaymentsInquiry } from '../../payments-inquiry';
import type { LoadedOrder } from '../../storage/order-rows';
import { loadOrders, lockOrders, writeChanges } from '../../storage/order-writer';
import { OrdersRepository } from '../../storage/orders.repository';
import { PaymentSettler } from '../receive-payment-callback/payment-settler';

/** An intent may be opened during the cancellation: the second round then asks about it. */
const ROUNDS_MAX = 3;

@Injectable()
export class CancelOrder {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    private readonly inquiry: PaymentsInquiry,
    private readonly settler: PaymentSettler,
    private readonly gate: GateControl,
    private readonly relay: OutboxRelay,
  ) {}

  /** The closed order; `orderId` is a uuid. Repeating the call gives the same answer. */
  async execute(buyerId: string, orderId: string): Promise<Result<OrderView, Problem>> {
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      const order = await this.orders.peek(orderId);
      if (order?.buyerId !== buyerId) return notFound('order', idFromUuid('order', orderId));
      if (order.closeReason === 'CANCELLED_BY_BUYER') return ok(orderView(order));
      const inquiry = order.intent === undefined ? undefined : await this.askAbout(order);
      const decision = decideCancellation(order.status, inquiry?.answer ?? 'no-intent');
      switch (decision.do) {
        case 'refuse':
          return notCancellable(order.status);
        case 'retry-later':
          return refuse(
            'payment-provider-unavailable',
            'It is not known yet whether the order is being paid. Try again.',
            {
              retryAfterSeconds: 1,
            },
          );
        case 'settle-payment':
          await this.settler.settle({ kind: 'succeeded', orderId: order.orderId, charge: inquiry!.charge! });
          continue;
        case 'close': {
          const closed = await this.close(order, inquiry);
          if (closed !== undefined) return ok(orderView(closed));
        }
      }
    }
    return refuse('unavailable', 'The order is changing right now. Try again.', { retryAfterSeconds: 1 });
  }

  private async askAbout(order: LoadedOrder): Promise<Inquiry | undefined> {
    // An order that is over needs no question.
    if (order.status !== 'AWAITING_PAYMENT') return undefined;
    return this.inquiry.cancel(order.intent!.intentId);
  }

  /** Undefined when the order or its intent has changed since the question. */
  private async close(asked: LoadedOrder, inquiry: Inquiry | undefined): Promise<LoadedOrder | undefined> {
    const closed = await this.database.transaction(async (tx) => {
      const order = (await lockOrders(tx, [asked.orderId])).get(asked.orderId);
      if (order === undefined || order.status !== 'AWAITING_PAYMENT') return undefined;
      if (order.intent?.intentId !== asked.intent?.intentId) return undefined;
      await writeChanges(tx, [close(order, 'CANCELLED_BY_BUYER', inquiry?.intentStatus)]);
      return (await loadOrders(tx, [order.orderId])).get(order.orderId);
    });
    if (closed !== undefined) {
      this.gate.wakeReturns();
      this.relay.wake();
    }
    return closed;
  }
}

function notCancellable(status: OrderStatus): Result<never, Problem> {
  return refuse('order-not-cancellable', `The order is ${status}; only one that awaits payment can be cancelled.`);
}
