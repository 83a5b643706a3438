// Payment, expiry and refunds, and the reads of orders.
import { ShutdownHooks } from '@gravity/http';
import { configOf, coreOf } from '@gravity/service';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { GateModule } from './gate.module';
import { type OrdersConfig, SERVICE } from './orders-config';
import { PAYMENT_PROVIDER } from './payments/payment-provider';
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

@Module({
  imports: [coreOf(SERVICE), GateModule],
  controllers: [
    CreatePaymentIntentHttp,
    ReceivePaymentCallbackHttp,
    CancelOrderHttp,
    ListOrdersHttp,
    GetOrderHttp,
    WatchOrderHttp,
    GetOrderGrpc,
    ListOrdersGrpc,
  ],
  providers: [
    {
      provide: PAYMENT_PROVIDER,
      inject: [configOf(SERVICE)],
      useFactory: ({ openProvider }: OrdersConfig) => openProvider(),
    },
    OrdersRepository,
    PaymentsInquiry,
    PaymentSettler,
    CreatePaymentIntent,
    ReceivePaymentCallback,
    CancelOrder,
    GetOrder,
    ListOrders,
    OrderWatcher,
    ExpiryWorker,
    RefundsWorker,
    FreeOrdersWorker,
  ],
  exports: [FreeOrdersWorker],
})
export class PaymentsModule implements OnApplicationBootstrap {
  constructor(
    private readonly callbacks: ReceivePaymentCallback,
    private readonly hooks: ShutdownHooks,
  ) {}

  onApplicationBootstrap(): void {
    this.hooks.onDrain('orders payment callbacks', () => this.callbacks.drain());
  }
}
