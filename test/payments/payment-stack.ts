// The payment modules of `orders` and the sandbox provider in one process, on a real Postgres and a real Redis, and the
// requests of the payment specs.
import { protoPackage } from '@gravity/contracts';
import { idFromUuid } from '@gravity/kernel';
import { bootServices, defineService, migrateService, type RunningServices } from '@gravity/service';
import {
  engines,
  eventually,
  freePort,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  type LocalIssuer,
  uniquePrefix,
} from '@gravity/testing';
import { readOrdersConfig } from '../../apps/orders/src/orders-config';
import { PAYMENT_PROVIDER } from '../../apps/orders/src/payments/payment-provider';
import type { SandboxProvider } from '../../apps/orders/src/payments/sandbox-provider';
import { PaymentsModule } from '../../apps/orders/src/payments.module';
import { OrderWatcher } from '../../apps/orders/src/use-cases/watch-order/order-watcher';
import { ExpiryWorker } from '../../apps/orders/src/workers/expiry';
import { FreeOrdersWorker } from '../../apps/orders/src/workers/free-orders';
import { RefundsWorker } from '../../apps/orders/src/workers/refunds';
import { type Item, Sale, freshSale } from '../../apps/orders/test/order-fixtures';
import { paymentsSandboxService } from '../../apps/payments-sandbox/src/payments-sandbox.service';

/** The payment modules of orders, without claims and rounds, under the name of the service. */
const orderPayments = defineService({
  name: 'orders',
  config: readOrdersConfig,
  grpc: protoPackage('orders'),
  workers: [ExpiryWorker, RefundsWorker, FreeOrdersWorker, OrderWatcher],
  features: [PaymentsModule],
});

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly items?: Record<string, unknown>[] };
}

export interface PlacedOrder {
  readonly uuid: string;
  readonly id: string;
  /** The buyer's token. */
  readonly bearer: string;
}

export class PaymentStack {
  private constructor(
    readonly sale: Sale,
    readonly running: RunningServices,
    readonly issuer: LocalIssuer,
    readonly provider: SandboxProvider,
    private readonly databases: readonly Pick<FreshDatabase, 'drop'>[],
  ) {}

  static async start(name: string): Promise<PaymentStack> {
    const [ordersDatabase, sandboxDatabase, issuer] = await Promise.all([
      freshSale(name),
      freshDatabase(`${name} sandbox`),
      localIssuer(),
    ]);
    const sale = await new Sale(ordersDatabase.url).start();
    const port = await freePort();
    const env = {
      ...issuer.env,
      ORDERS_DATABASE_URL: ordersDatabase.url,
      PAYMENTS_SANDBOX_DATABASE_URL: sandboxDatabase.url,
      KAFKA_BROKERS: engines().kafkaBrokers,
      KAFKA_TOPIC_PREFIX: uniquePrefix(),
      PAYMENT_PROVIDER: 'sandbox',
      PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`,
      PAYMENTS_PROVIDER_KEY: 'key_of_the_merchant_server',
      PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      PAYMENTS_CALLBACK_URL: `http://127.0.0.1:${port}/orders/v1/payment-callbacks/sandbox`,
      REDIS_URL: engines().redisUrl,
      CURSOR_SECRET: 'a cursor secret that is long enough',
      LOG_LEVEL: 'fatal',
    };
    await migrateService(paymentsSandboxService, env);
    const running = await bootServices([orderPayments, paymentsSandboxService], { env, port, grpcPort: 0 });
    const provider = running.app.get<SandboxProvider>(PAYMENT_PROVIDER, { strict: false });
    return new PaymentStack(sale, running, issuer, provider, [ordersDatabase, sandboxDatabase]);
  }

  async stop(): Promise<void> {
    await this.running.close();
    await this.provider.close();
    await this.sale.close();
    for (const database of this.databases) await database.drop();
  }

  async call(method: string, path: string, bearer: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.running.url}/orders/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, ...headers },
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
  }

  post(path: string, bearer: string): Promise<Answer> {
    return this.call('POST', path, bearer, { 'idempotency-key': crypto.randomUUID() });
  }

  async place(item: Item, buyer: string, expiresIn = 60): Promise<PlacedOrder> {
    const [uuid] = await this.sale.place(item, 1, { buyerId: buyer, expiresIn });
    return {
      uuid: uuid!,
      id: idFromUuid('order', uuid!),
      bearer: await this.issuer.mint({ sub: buyer, roles: ['buyer'] }),
    };
  }

  /** Confirms the payment like the buyer's app. Returns the status of the provider's answer. */
  async pay(intent: Record<string, unknown>, paymentToken: string): Promise<number> {
    const response = await fetch(String(intent['payUrl']), {
      method: 'POST',
      headers: { authorization: `Bearer ${String(intent['clientSecret'])}`, 'content-type': 'application/json' },
      body: JSON.stringify({ token: paymentToken }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async expireNow(uuid: string): Promise<void> {
    await this.sale.database.query(
      `update orders set expires_at = now() - interval '1 second', next_check_at = null where order_id = $1`,
      [uuid],
    );
  }

  becomes(uuid: string, status: string): Promise<void> {
    return eventually(async () => expect(await this.sale.statusOf(uuid)).toBe(status), { withinMs: 15_000 });
  }
}
