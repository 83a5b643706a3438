// Goal: an order can be paid over HTTP: intent, every kind of callback of the sandbox provider, expiry, late payments,
// cancellation, refunds, reads and the event stream. Method: the payment modules of `orders` and the sandbox provider in one
// process, on a real Postgres and a real Redis.
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { PROTO_LOADER_OPTIONS, protoPackage } from '@gravity/contracts';
import { idFromUuid } from '@gravity/kernel';
import type { Item, Sale } from '../../apps/orders/test/order-fixtures';
import { type Answer, PaymentStack, type PlacedOrder } from './payment-stack';

let stack: PaymentStack;
let sale: Sale;
let operator: string;

beforeAll(async () => {
  stack = await PaymentStack.start('order payments');
  sale = stack.sale;
  operator = await stack.issuer.mint({ sub: 'op_1', roles: ['operator'] });
});

afterAll(() => stack?.stop());

const call = (method: string, path: string, bearer: string): Promise<Answer> => stack.call(method, path, bearer);
const post = (path: string, bearer: string): Promise<Answer> => stack.post(path, bearer);
const placed: PaymentStack['place'] = (...args) => stack.place(...args);
const pay: PaymentStack['pay'] = (...args) => stack.pay(...args);
const expireNow = (uuid: string): Promise<void> => stack.expireNow(uuid);
const becomes = (uuid: string, status: string): Promise<void> => stack.becomes(uuid, status);

describe('paying in time', () => {
  it.each(['tok_approve', 'tok_callback_twice', 'tok_callbacks_out_of_order', 'tok_unknown'])(
    'with %s ends in PAID once',
    async (paymentToken) => {
      const item = await sale.openRound();
      const order = await placed(item, `b_${paymentToken}`);
      const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
      expect(intent).toMatchObject({
        status: 201,
        body: { orderId: order.id, amount: { amount: 9_900, currency: 'CNY' } },
      });
      expect((await post(`orders/${order.id}/payment-intents`, order.bearer)).body).toEqual(intent.body);
      await pay(intent.body, paymentToken);
      await becomes(order.uuid, 'PAID');
      expect(await sale.eventsOf(order.uuid)).toEqual(['paid']);
      expect(await sale.counters(item)).toMatchObject({ held: 0, sold: 1 });
      expect((await post(`orders/${order.id}/payment-intents`, order.bearer)).body).toMatchObject({
        code: 'order-not-payable',
      });
      expect((await post(`orders/${order.id}/cancellation`, order.bearer)).body).toMatchObject({
        code: 'order-not-cancellable',
      });
    },
  );

  it('begins with titles of any characters', async () => {
    const order = await placed(await sale.openRound(), 'b_title');
    const title = `a\u0007\t${'🍺'.repeat(200)}`;
    await sale.database.query('update order_lines set title = $2 where order_id = $1', [order.uuid, title]);
    expect((await post(`orders/${order.id}/payment-intents`, order.bearer)).status).toBe(201);
  });

  it('refunds another amount and ends in REFUNDED', async () => {
    const order = await placed(await sale.openRound(), 'b_wrong_amount');
    const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
    await pay(intent.body, 'tok_wrong_amount');
    await becomes(order.uuid, 'REFUNDED');
    expect(await sale.eventsOf(order.uuid)).toEqual(['closed', 'refund-requested', 'refunded']);
  });
});

describe('not paying in time', () => {
  /** An expired order whose payment settles a second after it was made. */
  async function closedWithPaymentInFlight(buyer: string, quota = 10): Promise<{ item: Item; order: PlacedOrder }> {
    const item = await sale.openRound({ quota });
    await sale.loadGate(item);
    const order = await placed(item, buyer);
    const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
    await pay(intent.body, 'tok_approve_late_force:1');
    await expireNow(order.uuid);
    await becomes(order.uuid, 'CLOSED');
    return { item, order };
  }

  it('finds the payment whose callback was lost instead of closing', async () => {
    const order = await placed(await sale.openRound(), 'b_lost');
    const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
    expect(await pay(intent.body, 'tok_callback_lost')).toBe(200);
    await expireNow(order.uuid);
    await becomes(order.uuid, 'PAID');
    expect(await sale.eventsOf(order.uuid)).toEqual(['paid']);
  });

  it('closes after the provider reports no payment, and cancels the intent', async () => {
    const item = await sale.openRound();
    const order = await placed(item, 'b_never');
    const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
    await expireNow(order.uuid);
    await becomes(order.uuid, 'CLOSED');
    expect(await pay(intent.body, 'tok_approve')).toBe(409);
    expect(await sale.counters(item)).toMatchObject({ held: 0, sold: 0, released: 1, free: 10 });
    expect((await call('GET', `orders/${order.id}`, order.bearer)).body).toMatchObject({
      status: 'CLOSED',
      closeReason: 'EXPIRED',
      version: 2,
    });
  });

  it('honours a payment in flight when the order closed, with another unit', async () => {
    const { item, order } = await closedWithPaymentInFlight('b_flight');
    await becomes(order.uuid, 'PAID');
    expect(await sale.eventsOf(order.uuid)).toEqual(['closed', 'late-payment-honoured']);
    expect(await sale.counters(item)).toMatchObject({ held: 0, sold: 1, released: 1 });
  });

  it('refunds such a payment when the unit is sold to another buyer', async () => {
    const { item, order } = await closedWithPaymentInFlight('b_too_late', 1);
    await sale.place(item, 1);
    await becomes(order.uuid, 'REFUNDED');
    expect(await sale.eventsOf(order.uuid)).toEqual(['closed', 'refund-requested', 'refunded']);
    expect(await sale.counters(item)).toMatchObject({ held: 1, sold: 0 });
  });
});

describe('cancelling', () => {
  it('closes the order, returns the unit, and answers the same again', async () => {
    const item = await sale.openRound();
    const order = await placed(item, 'b_cancel');
    await post(`orders/${order.id}/payment-intents`, order.bearer);
    const cancelled = await post(`orders/${order.id}/cancellation`, order.bearer);
    expect(cancelled).toMatchObject({ status: 200, body: { status: 'CLOSED', closeReason: 'CANCELLED_BY_BUYER' } });
    expect(await post(`orders/${order.id}/cancellation`, order.bearer)).toEqual(cancelled);
    expect(await sale.counters(item)).toMatchObject({ held: 0, released: 1 });
  });

  it('is refused after a faster payment', async () => {
    const order = await placed(await sale.openRound(), 'b_faster');
    const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
    await pay(intent.body, 'tok_callback_lost');
    expect(await post(`orders/${order.id}/cancellation`, order.bearer)).toMatchObject({
      status: 409,
      body: { code: 'order-not-cancellable' },
    });
    expect(await sale.statusOf(order.uuid)).toBe('PAID');
  });
});

describe('callbacks', () => {
  it('refuses a body without a valid signature', async () => {
    const forged = await fetch(`${stack.running.url}/orders/v1/payment-callbacks/sandbox`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'evt_1',
        'webhook-timestamp': `${Math.floor(Date.now() / 1_000)}`,
        'webhook-signature': 'v1,AAAA',
      },
      body: JSON.stringify({ type: 'payment.succeeded' }),
    });
    expect(forged.status).toBe(401);
    expect(await forged.json()).toMatchObject({ code: 'signature-invalid' });
    const empty = await fetch(`${stack.running.url}/orders/v1/payment-callbacks/sandbox`, { method: 'POST' });
    expect(empty.status).toBe(401);
  });
});

describe('reading', () => {
  it('shows orders to their buyer, their merchant and operators only', async () => {
    const item = await sale.openRound();
    const own = [await placed(item, 'b_reader'), await placed(item, 'b_reader'), await placed(item, 'b_reader')];
    const foreign = await placed(item, 'b_other');
    const bearer = own[0]!.bearer;
    expect((await call('GET', `orders/${foreign.id}`, bearer)).status).toBe(404);
    expect((await call('GET', `orders/${foreign.id}/events`, bearer)).status).toBe(404);
    expect((await post(`orders/${foreign.id}/payment-intents`, bearer)).status).toBe(404);
    expect((await post(`orders/${foreign.id}/cancellation`, bearer)).status).toBe(404);
    expect((await call('GET', 'orders/ord_nonsense', bearer)).status).toBe(404);

    const first = await call('GET', 'orders?limit=2', bearer);
    expect(first.body.items!.map((order) => order['orderId'])).toEqual([own[2]!.id, own[1]!.id]);
    const second = await call('GET', `orders?limit=2&cursor=${String(first.body['nextCursor'])}`, bearer);
    expect(second.body).toMatchObject({ hasMore: false, items: [{ orderId: own[0]!.id }] });
    expect((await call('GET', `orders?cursor=${String(first.body['nextCursor'])}`, foreign.bearer)).body).toMatchObject(
      { code: 'invalid-cursor' },
    );
    expect((await call('GET', 'orders?buyerId=b_other', bearer)).body.items).toEqual([]);

    const merchantId = String((await call('GET', `orders/${foreign.id}`, operator)).body['merchantId']);
    const merchant = await stack.issuer.mint({ sub: merchantId, roles: ['merchant'], merchantId });
    expect((await call('GET', 'orders', merchant)).body.items).toHaveLength(4);
    expect((await call('GET', `orders/${foreign.id}`, merchant)).status).toBe(200);
    const round = idFromUuid('round', item.roundId);
    expect((await call('GET', `orders?roundId=${round}&buyerId=b_other`, operator)).body.items).toHaveLength(1);
    expect((await call('GET', 'orders?status=LOST', operator)).status).toBe(400);
  });

  it('shows the same over gRPC', async () => {
    const item = await sale.openRound();
    const order = await placed(item, 'b_grpc');
    const foreign = await placed(item, 'b_grpc_other');
    const ask = grpcClient(order.bearer);
    expect(await ask('getOrder', { orderId: order.id })).toMatchObject({
      order: { id: order.id, status: 'ORDER_STATUS_AWAITING_PAYMENT' },
    });
    await expect(ask('getOrder', { orderId: foreign.id })).rejects.toMatchObject({ code: 5 });
    expect(await ask('listOrders', { pageSize: 1 })).toMatchObject({ orders: [{ id: order.id }], nextPageToken: '' });
    await expect(ask('listOrders', { pageSize: 101 })).rejects.toMatchObject({ code: 3 });
  });

  it('streams the progress of an order until it ends', async () => {
    const order = await placed(await sale.openRound(), 'b_watch');
    const watch = (lastId?: string): Promise<Response> =>
      fetch(`${stack.running.url}/orders/v1/orders/${order.id}/events`, {
        headers: {
          authorization: `Bearer ${order.bearer}`,
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
        },
      });
    const stream = await watch();
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const events = stream.text();
    const onlyNews = watch('1').then((response) => response.text());
    const intent = await post(`orders/${order.id}/payment-intents`, order.bearer);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await pay(intent.body, 'tok_approve');
    const ids = (text: string): string[] => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => match[1]!);
    expect(ids(await events)).toEqual(['1', '2']);
    expect(ids(await onlyNews)).toEqual(['2']);
    expect((await watch('2')).status).toBe(204);
  });
});

/** A client of OrderService with the caller's token. */
function grpcClient(bearer: string): (method: string, request: object) => Promise<unknown> {
  const { protoPath, includeDirs } = protoPackage('orders');
  const loaded = loadPackageDefinition(
    loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] }),
  ) as never as {
    gravity: {
      orders: {
        v1: { OrderService: new (url: string, creds: unknown) => Record<string, (...args: unknown[]) => void> };
      };
    };
  };
  const client = new loaded.gravity.orders.v1.OrderService(stack.running.grpcUrl!, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${bearer}`);
  return (method, request) =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, value: unknown): void => (error ? reject(error) : resolve(value));
      client[method]!(request, metadata, { deadline: Date.now() + 5_000 }, done);
    });
}
