// What payment, expiry and the reads of orders bring into the module: spread these two lists into it. They need, from the
// module: Database, OutboxRelay, GateControl and PAYMENT_PROVIDER; from the platform: CursorSigner and ShutdownHooks.
import { ShutdownHooks } from '@gravity/http';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import { Inject, Injectable, type OnApplicationBootstrap, type Provider, type Type } from '@nestjs/common';
import { GateControl } from './gate/gate-control';
import { PAYMENT_PROVIDER, type PaymentProvider } from './payments/payment-provider';
import { PaymentsInquiry } from './payments-inquiry';
import { OrdersRepository } from './storage/orders.repository';
import { CancelOrderHttp } from './use-cases/cancel-order/cancel-order.http';
import { CancelOrder } from './use-cases/cancel-order/cancel-order.use-case';
import { CreatePaymentIntentHttp } from './use-cases/create-payment-intent/create-payment-intent.http';
import { CreatePaymentIntent } from './use-cases/create-payment-intent/create-payment-intent.use-case';
import { GetOrderGrpc } from './use-cases/get-order/get-order.grpc';
import { GetOrderHttp } from './use-cases/get-order/get-order.http';
import { GetOrder } from './use-cases/get-order/get-order.use-case';
import { ListOrdersGrpc } from './use-cases/list-orders/list-orders.grpc';
import { ListOrdersHttp } from './use-cases/list-orders/list-orders.http';
import { ListOrders } from './use-cases/list-orders/list-orders.use-case';
import { PaymentSettler } from './use-cases/receive-payment-callback/payment-settler';
import { ReceivePaymentCallbackHttp } from './use-cases/receive-payment-callback/receive-payment-callback.http';
import { ReceivePaymentCallback } from './use-cases/receive-payment-callback/receive-payment-callback.use-case';
import { OrderWatcher } from './use-cases/watch-order/order-watcher';
import { WatchOrderHttp } from './use-cases/watch-order/watch-order.http';
import { ExpiryWorker } from './workers/expiry';
import { FreeOrdersWorker } from './workers/free-orders';
import { RefundsWorker } from './workers/refunds';

/** Runs the background work from the end of the start to the drain. */
@Injectable()
export class PaymentWorkers implements OnApplicationBootstrap {
  constructor(
    @Inject(ExpiryWorker) private readonly expiry: ExpiryWorker,
    @Inject(RefundsWorker) private readonly refunds: RefundsWorker,
    @Inject(FreeOrdersWorker) private readonly freeOrders: FreeOrdersWorker,
    @Inject(OrderWatcher) private readonly watcher: OrderWatcher,
    @Inject(ReceivePaymentCallback) private readonly callbacks: ReceivePaymentCallback,
    @Inject(ShutdownHooks) private readonly hooks: ShutdownHooks,
  ) {}

  onApplicationBootstrap(): void {
    const workers = [this.expiry, this.refunds, this.freeOrders, this.watcher];
    for (const worker of workers) worker.start();
    this.hooks.onDrain('payments', async () => {
      await this.callbacks.drain();
      await Promise.all(workers.map((worker) => worker.stop()));
    });
  }
}

export const paymentControllers: Type[] = [
  CreatePaymentIntentHttp,
  ReceivePaymentCallbackHttp,
  CancelOrderHttp,
  ListOrdersHttp,
  GetOrderHttp,
  WatchOrderHttp,
  GetOrderGrpc,
  ListOrdersGrpc,
];

export const paymentProviders: Provider[] = [
  OrdersRepository,
  PaymentsInquiry,
  PaymentSettler,
  CreatePaymentIntent,
  ReceivePaymentCallback,
  CancelOrder,
  GetOrder,
  ListOrders,
  OrderWatcher,
  {
    provide: ExpiryWorker,
    inject: [Database, PaymentSettler, PaymentsInquiry, GateControl, OutboxRelay],
    useFactory: (
      database: Database,
      settler: PaymentSettler,
      inquiry: PaymentsInquiry,
      gate: GateControl,
      relay: OutboxRelay,
    ): ExpiryWorker => new ExpiryWorker(database, settler, inquiry, gate, relay),
  },
  {
    provide: RefundsWorker,
    inject: [Database, PAYMENT_PROVIDER, PaymentSettler],
    useFactory: (database: Database, provider: PaymentProvider, settler: PaymentSettler): RefundsWorker =>
      new RefundsWorker(database, provider, settler),
  },
  {
    provide: FreeOrdersWorker,
    inject: [PaymentSettler],
    useFactory: (settler: PaymentSettler): FreeOrdersWorker => new FreeOrdersWorker(settler),
  },
  PaymentWorkers,
];
