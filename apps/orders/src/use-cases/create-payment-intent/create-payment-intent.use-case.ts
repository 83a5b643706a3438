// Opens the payment of an order at the provider. The provider is asked outside any transaction and is idempotent by the
// order, so after a crash between its answer and the row the next request finds the same intent.
import { type Problem, refuse } from '@gravity/contracts';
import { type Result, idFromUuid, moneyToJson, ok, toRfc3339 } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { notFound } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { paymentIdOf } from '../../order-events';
import {
  type CreatedIntent,
  PAYMENT_PROVIDER,
  type PaymentProvider,
  ProviderRefusal,
} from '../../payments/payment-provider';
import { PaymentsInquiry } from '../../payments-inquiry';
import { type LoadedOrder, PROVIDER_NAME, type StoredIntent } from '../../storage/order-rows';
import { lockOrders } from '../../storage/order-writer';
import { OrdersRepository } from '../../storage/orders.repository';
import type { PaymentIntentView } from './create-payment-intent.dto';

/** Characters of the description that the provider shows. */
const DESCRIPTION_MAX = 200;

@Injectable()
export class CreatePaymentIntent {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
    @Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider,
    private readonly inquiry: PaymentsInquiry,
  ) {}

  /** The intent of the buyer's order (a uuid), the same one however often it is asked for. */
  async execute(buyerId: string, orderId: string): Promise<Result<PaymentIntentView, Problem>> {
    const order = await this.orders.peek(orderId);
    if (order?.buyerId !== buyerId) return notFound('order', idFromUuid('order', orderId));
    if (order.total.minor === 0n)
      return refuse('order-not-payable', 'The order costs nothing. It is paid by itself, without a payment.');
    if (!isPayable(order)) return notPayable(order);
    if (order.intent !== undefined && order.intent.payUrl !== '') return ok(view(order, order.intent));
    const created = await this.create(order);
    if (created === undefined) return notPayable(order);
    const stored = await this.store(order.orderId, created);
    if (stored === undefined) {
      // The order closed while the provider was asked. The intent was shown to no caller, so it is unpaid.
      await this.inquiry.cancel(created.intentId);
      return notPayable(order);
    }
    return ok(view(order, stored));
  }

  private async create(order: LoadedOrder): Promise<CreatedIntent | undefined> {
    try {
      return await this.provider.createIntent({
        orderId: idFromUuid('order', order.orderId),
        amount: order.total,
        idempotencyKey: idFromUuid('order', order.orderId),
        expiresAtMs: order.expiresAtMs,
        description: descriptionOf(order),
      });
    } catch (error) {
      // By the provider's clock the order may have expired.
      if (error instanceof ProviderRefusal) return undefined;
      throw error;
    }
  }

  /** Stores the intent with the order in any state; undefined when the order is not payable. */
  private async store(orderId: string, created: CreatedIntent): Promise<StoredIntent | undefined> {
    return this.database.transaction(async (tx) => {
      const order = (await lockOrders(tx, [orderId])).get(orderId);
      if (order === undefined) return undefined;
      await tx.query(
        `insert into payment_intents as i (intent_id, order_id, provider, amount_minor, currency, pay_url, client_secret, status)
         values ($1, $2, $3, $4, $5, $6, $7, 'PENDING')
         on conflict (order_id) do update set pay_url = excluded.pay_url, client_secret = excluded.client_secret
           where i.pay_url = ''`,
        [
          created.intentId,
          orderId,
          PROVIDER_NAME,
          order.total.minor.toString(),
          order.total.currency,
          created.payUrl,
          created.clientSecret ?? null,
        ],
      );
      if (order.status !== 'AWAITING_PAYMENT') return undefined;
      const { intentId, payUrl, clientSecret } = created;
      return {
        intentId,
        provider: PROVIDER_NAME,
        payUrl,
        status: 'PENDING',
        ...(clientSecret === undefined ? {} : { clientSecret }),
      };
    });
  }
}

/** The titles in one line. Providers refuse control characters and halves of surrogate pairs. */
function descriptionOf({ lines }: LoadedOrder): string {
  const titles = lines.map(({ title }) => title).join(', ');
  return [...titles.replace(/[\p{Cc}\p{Cs}]/gu, ' ')].slice(0, DESCRIPTION_MAX).join('');
}

function isPayable(order: LoadedOrder): boolean {
  return order.status === 'AWAITING_PAYMENT' && order.nowMs < order.expiresAtMs;
}

function notPayable(order: LoadedOrder): Result<never, Problem> {
  const state = order.status === 'AWAITING_PAYMENT' ? 'past its time' : order.status;
  return refuse('order-not-payable', `The order is ${state}; only one that awaits payment can be paid.`);
}

function view(order: LoadedOrder, intent: StoredIntent): PaymentIntentView {
  return {
    paymentId: paymentIdOf(intent.intentId),
    orderId: idFromUuid('order', order.orderId),
    provider: intent.provider,
    intentId: intent.intentId,
    payUrl: intent.payUrl,
    ...(intent.clientSecret === undefined ? {} : { clientSecret: intent.clientSecret }),
    amount: moneyToJson(order.total),
    expiresAt: toRfc3339(order.expiresAtMs),
  };
}
