// The orders service on a database of its own, with Kafka and the payment provider out of reach, and a buyer's requests.
import { idFromUuid, newUuid } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import { engines, freshDatabase, type FreshDatabase, localIssuer, type LocalIssuer } from '@gravity/testing';
import { GateKeeper } from '../../src/gate/gate-keeper';
import { ordersService } from '../../src/orders.service';
import { createSale, type Sale, type SaleOptions } from './sale-fixture';

export interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- specs look into any answer
  readonly body: any;
  readonly headers: Headers;
}

export interface Claim {
  readonly key?: string;
  readonly quantity?: number;
  readonly regionCode?: string;
  readonly expectedTotal?: { readonly amount: number; readonly currency: string };
}

export const roundIdOf = (sale: Sale): string => idFromUuid('round', sale.roundId);

export class ClaimsService {
  private constructor(
    private readonly fresh: FreshDatabase,
    readonly issuer: LocalIssuer,
    readonly services: RunningServices,
    readonly database: Database,
  ) {}

  static async start(name: string, more: Record<string, string> = {}): Promise<ClaimsService> {
    const fresh = await freshDatabase(name);
    const issuer = await localIssuer();
    const env = {
      ...issuer.env,
      ORDERS_DATABASE_URL: fresh.url,
      REDIS_URL: engines().redisUrl,
      KAFKA_BROKERS: '127.0.0.1:1',
      CURSOR_SECRET: 'a secret of the test that is long enough',
      PAYMENT_PROVIDER: 'sandbox',
      PAYMENTS_PROVIDER_URL: 'http://127.0.0.1:1',
      PAYMENTS_PROVIDER_KEY: 'sk_test',
      PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      LOG_LEVEL: 'fatal',
      ...more,
    };
    await migrateService(ordersService, env);
    const services = await bootServices([ordersService], { env, port: 0, grpcPort: 0 });
    return new ClaimsService(fresh, issuer, services, openDatabase({ url: fresh.url, applicationName: name }));
  }

  async stop(): Promise<void> {
    await this.services.close();
    await this.database.close();
    await this.fresh.drop();
  }

  async call(
    sub: string,
    method: string,
    path: string,
    init: { body?: unknown; key?: string; role?: string } = {},
  ): Promise<Answer> {
    const token = await this.issuer.mint({ sub, roles: [init.role ?? 'buyer'] });
    const response = await fetch(`${this.services.url}/orders/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.key === undefined ? {} : { 'idempotency-key': init.key }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  /** Claims one unit of the first item, unless told otherwise, under a new key. */
  claim(sale: Sale, buyer: string, request: Claim = {}): Promise<Answer> {
    const { key = newUuid(), quantity = 1, regionCode = 'CN-11', expectedTotal } = request;
    const itemId = idFromUuid('item', sale.itemIds[0]!);
    const body = { itemId, quantity, regionCode, ...(expectedTotal ? { expectedTotal } : {}) };
    return this.call(buyer, 'POST', `/rounds/${roundIdOf(sale)}/claims`, { body, key });
  }

  /** A sale whose units are in the gate, unless its status says that it is not on sale. */
  async onSale(options: SaleOptions): Promise<Sale> {
    const sale = await createSale(this.database, options);
    const keeper = this.services.app.get(GateKeeper, { strict: false });
    if (['WARMED', 'OPEN'].includes(options.status ?? 'OPEN')) await keeper.load(sale.seriesId);
    return sale;
  }
}
