// The payment parts of `orders` and the sandbox provider in one process, on a real Postgres and a real Redis, with the
// requests that specs of an order's payment make.
import { protoPackage } from '@gravity/contracts';
import { bootServices, type RunningServices, type ServiceDefinition } from '@gravity/http';
import { idFromUuid } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import {
  engines,
  eventually,
  freePort,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  type LocalIssuer,
} from '@gravity/testing';
import { Module } from '@nestjs/common';
import { GateControl } from '../../apps/orders/src/gate/gate-control';
import { PAYMENT_PROVIDER } from '../../apps/orders/src/payments/payment-provider';
import { type SandboxProvider, sandboxProviderFromEnv } from '../../apps/orders/src/payments/sandbox-provider';
import { paymentControllers, paymentProviders } from '../../apps/orders/src/payments.module-parts';
import { type Item, Sale, freshSale } from '../../apps/orders/test/order-fixtures';
import { paymentsSandboxService } from '../../apps/payments-sandbox/src/payments-sandbox.service-definition';

@Module({})
class OrderPayments {}

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
      PAYMENTS_SANDBOX_DATABASE_URL: sandboxDatabase.url,
      PAYMENT_PROVIDER: 'sandbox',
      PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`,
      PAYMENTS_PROVIDER_KEY: 'key_of_the_merchant_server',
      PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      PAYMENTS_CALLBACK_URL: `http://127.0.0.1:${port}/orders/v1/payment-callbacks/sandbox`,
      REDIS_URL: engines().redisUrl,
      CURSOR_SECRET: 'a cursor secret that is long enough',
      LOG_LEVEL: 'fatal',
    };
    const provider = sandboxProviderFromEnv(env);
    const sandbox = paymentsSandboxService(env);
    await sandbox.migrate();
    const running = await bootServices([ordersPayments(sale, provider), sandbox], { env, port, grpcPort: 0 });
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

  /** What the buyer's app does; the status of the provider's answer. */
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

function ordersPayments(sale: Sale, provider: SandboxProvider): ServiceDefinition {
  return {
    name: 'orders',
    grpc: protoPackage('orders'),
    module: {
      module: OrderPayments,
      controllers: paymentControllers,
      providers: [
        { provide: Database, useValue: sale.database },
        { provide: OutboxRelay, useValue: sale.relay },
        { provide: GateControl, useValue: sale.gate },
        { provide: PAYMENT_PROVIDER, useValue: provider },
        ...paymentProviders,
      ],
    },
    migrate: async () => undefined,
  };
}
