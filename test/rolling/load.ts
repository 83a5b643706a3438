// Clients of every service. They do not repeat failed requests: every answer without success is recorded as a failure.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultSale, SeededRandom } from '@gravity/testing';
import { Agent, request } from 'undici';
import { GrpcMethods } from '../api/grpc-methods';
import type { PairedServices } from './paired-services';

const PAUSE_MAX_MS = 150;
/**
 * A client without retries must not use a connection after a long idle time, because the server may be closing it. A
 * draining server closes connections that were idle for half the drain time, so a shorter idle time is safe.
 */
const IDLE_MS = 400;
const PRICE = { amount: 149_900, currency: 'CNY' };
/** The payment tokens: paid at once, callback twice, paid later, or a wrong amount with a refund. */
const PAYMENTS = ['tok_approve', 'tok_approve', 'tok_callback_twice', 'tok_approve_late:1', 'tok_wrong_amount'];

interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** A path of the service, or a complete URL. */
  readonly path: string;
  readonly token: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any answer of any service
type Body = any;

/** A client with one connection and one request at a time. */
class HttpClient {
  private agent = newAgent();
  private lastAnswerAt = performance.now();

  constructor(
    private readonly load: RollingLoad,
    private readonly origin: string,
  ) {}

  /** The body of a 2xx; undefined for any other answer, which is recorded as a failure. */
  async call({ method, path, token, json, headers }: HttpCall): Promise<Body> {
    const url = path.startsWith('http') ? path : `${this.origin}${path}`;
    const name = `${method} ${new URL(url).pathname.replaceAll(/\/[a-z]+_[a-z0-9]+/g, '/…')}`;
    const sentAt = performance.now();
    if (sentAt - this.lastAnswerAt > IDLE_MS) {
      await this.agent.destroy();
      this.agent = newAgent();
    }
    try {
      const answer = await request(url, {
        method,
        dispatcher: this.agent,
        headers: {
          authorization: `Bearer ${token}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const text = await answer.body.text();
      const good = answer.statusCode >= 200 && answer.statusCode < 300;
      this.lastAnswerAt = performance.now();
      this.load.note(name, good ? undefined : `${answer.statusCode} ${text}`);
      return good ? JSON.parse(text) : undefined;
    } catch (error) {
      this.load.note(
        name,
        `${(error as { code?: string }).code ?? ''} ${String(error)} after ${Math.round(performance.now() - sentAt)} ms`,
      );
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}

function newAgent(): Agent {
  return new Agent({ connections: 1, pipelining: 1, headersTimeout: 30_000 });
}

/** Merchants who change the catalogue, buyers who claim and pay, and services that call over gRPC. */
export class RollingLoad {
  /** The failures, with their calls. */
  readonly failures: string[] = [];
  /** The number of successful answers by call. */
  readonly answers = new Map<string, number>();
  /** Orders that were acknowledged to buyers. */
  readonly orders = new Set<string>();
  /** Orders with a confirmed payment, with the token. */
  readonly paid = new Map<string, string>();
  private readonly pauses = monitorEventLoopDelay();
  private readonly work: Promise<void>[] = [];
  private readonly closing: (() => unknown)[] = [];
  private skuIds: string[] = [];
  private stopped = false;
  private count = 0;

  constructor(
    private readonly services: PairedServices,
    private readonly sale: FaultSale,
    private readonly random: SeededRandom,
  ) {}

  /** The longest pause of the event loop of this process, which runs the clients and balancers. */
  get longestPauseMs(): number {
    return Math.round(this.pauses.max / 1e6);
  }

  /** Creates a shop and starts all clients. */
  async start(): Promise<void> {
    this.pauses.enable();
    const operator = await this.token('op_1', 'operator');
    const client = this.client('catalog');
    const make = (path: string, json: unknown): Promise<Body> =>
      client.call({ method: 'POST', path, token: operator, json, headers: this.newKey() });
    const merchant = await make('/catalog/v1/merchants', { name: 'Merchant' });
    const shop = await make('/catalog/v1/shops', { merchantId: merchant.id, name: 'Shop' });
    await this.changeCatalogue(client, operator, shop.id);
    for (let worker = 0; worker < 2; worker += 1) {
      const own = this.client('catalog');
      this.repeat(() => this.changeCatalogue(own, operator, shop.id));
    }
    for (let worker = 0; worker < 3; worker += 1) {
      const [orders, sandbox] = [this.client('orders'), this.client('payments-sandbox')];
      this.repeat(() => this.buy(orders, sandbox));
    }
    for (let worker = 0; worker < 2; worker += 1) {
      const [catalog, orders] = [this.methods('catalog'), this.methods('orders')];
      this.repeat(() => this.callOverGrpc(catalog, orders));
    }
  }

  /** Resolves after `howMany` further successful answers, or after a failure. */
  async moreAnswers(howMany: number): Promise<void> {
    const until = this.total + howMany;
    while (this.total < until && this.failures.length === 0) await sleep(20);
  }

  /** Starts no further requests; resolves after the last answers. */
  async end(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.work);
    for (const close of this.closing) await close();
  }

  /** Records the outcome of a call; `failure` describes a failed one. */
  note(name: string, failure: string | undefined): void {
    if (failure !== undefined) this.failures.push(`${name}: ${failure}`);
    else this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
  }

  private get total(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Creates a product with a SKU, changes its price and lists it. */
  private async changeCatalogue(client: HttpClient, token: string, shopId: string): Promise<void> {
    const code = `CODE-${(this.count += 1)}`;
    const product = await client.call({
      method: 'POST',
      path: '/catalog/v1/products',
      token,
      json: { shopId, title: code, skus: [{ code, title: code, price: PRICE }] },
      headers: this.newKey(),
    });
    if (product === undefined) return;
    const skuId = product.skus[0].id as string;
    const price = { amount: PRICE.amount + this.count, currency: 'CNY' };
    const repriced = { method: 'POST', path: `/catalog/v1/skus/${skuId}/prices`, token, json: price } as const;
    await client.call({ ...repriced, headers: { ...this.newKey(), 'if-match': '"1"' } });
    const listing = { method: 'PUT', path: `/catalog/v1/products/${product.id}/listing`, token } as const;
    await client.call({ ...listing, headers: { ...this.newKey(), 'if-match': '"1"' } });
    const seen = await client.call({ method: 'GET', path: `/catalog/v1/skus/${skuId}`, token });
    if (seen !== undefined && seen.price.amount !== price.amount) this.note('GET sku', 'shows another price');
    this.skuIds = [...this.skuIds.slice(-50), skuId];
  }

  /** A claim, the same claim with the same key, and the payment. */
  private async buy(orders: HttpClient, sandbox: HttpClient): Promise<void> {
    const token = await this.token(`b_${(this.count += 1)}`, 'buyer');
    const json = { itemId: this.random.pick(this.sale.itemIds), quantity: 1, regionCode: 'CN-11' };
    const path = `/orders/v1/rounds/${this.sale.roundId}/claims`;
    const claim = { method: 'POST', path, token, json, headers: this.newKey() } as const;
    const order = await orders.call(claim);
    if (order === undefined) return;
    this.orders.add(order.orderId);
    const again = await orders.call(claim);
    if (again !== undefined && again.orderId !== order.orderId) this.note('claim', 'has two orders under one key');
    const intent = await orders.call({
      method: 'POST',
      path: `/orders/v1/orders/${order.orderId}/payment-intents`,
      token,
      headers: this.newKey(),
    });
    if (intent === undefined) return;
    const how = this.random.pick(PAYMENTS);
    const confirmed = await sandbox.call({
      method: 'POST',
      path: intent.payUrl,
      token: intent.clientSecret,
      json: { token: how },
    });
    if (confirmed !== undefined) this.paid.set(order.orderId, how);
    await orders.call({ method: 'GET', path: `/orders/v1/orders/${order.orderId}`, token });
  }

  private async callOverGrpc(catalog: GrpcMethods, orders: GrpcMethods): Promise<void> {
    const buyer = await this.token(`b_${(this.count += 1)}`, 'buyer');
    const operator = await this.token('op_1', 'operator');
    const call = async (methods: GrpcMethods, name: string, message: object, token: string): Promise<Body> => {
      const { status, details, body } = await methods.call(name, message, token);
      this.note(name, status === 'OK' ? undefined : `${status} ${details}`);
      return body;
    };
    const skuId = this.random.pick(this.skuIds);
    await call(catalog, 'CatalogService.GetSku', { skuId }, operator);
    await call(catalog, 'CatalogService.ListSkus', { pageSize: 5 }, operator);
    const placed = await call(
      orders,
      'ClaimService.PlaceClaim',
      {
        roundId: this.sale.roundId,
        itemId: this.random.pick(this.sale.itemIds),
        quantity: 1,
        regionCode: 'CN-11',
        idempotencyKey: this.newKey()['idempotency-key'],
      },
      buyer,
    );
    if (placed === undefined) return;
    this.orders.add(placed.order.id);
    await call(orders, 'OrderService.GetOrder', { orderId: placed.order.id }, buyer);
  }

  private repeat(turn: () => Promise<void>): void {
    const loop = async (): Promise<void> => {
      while (!this.stopped) {
        await turn();
        await sleep(this.random.integer(0, PAUSE_MAX_MS));
      }
    };
    this.work.push(loop());
  }

  private client(service: string): HttpClient {
    const client = new HttpClient(this, this.services.url(service));
    this.closing.push(() => client.close());
    return client;
  }

  private methods(service: string): GrpcMethods {
    const methods = new GrpcMethods(this.services.grpcAddress(service));
    this.closing.push(() => methods.close());
    return methods;
  }

  private newKey(): { 'idempotency-key': string } {
    return { 'idempotency-key': `key-${(this.count += 1)}` };
  }

  private token(sub: string, role: string): Promise<string> {
    return this.services.issuer.mint({ sub, roles: [role] });
  }
}
