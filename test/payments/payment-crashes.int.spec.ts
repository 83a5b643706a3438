// Goal: a crash, a cut connection or an unavailable provider at any step of a payment does not change its outcome. Method:
// each spec creates the state after such a failure in the real stores, then the workers continue.
import { EnvReader, idFromUuid, money } from '@gravity/kernel';
import { eventually, freePort } from '@gravity/testing';
import type { Sale } from '../../apps/orders/test/order-fixtures';
import { PaymentsInquiry } from '../../apps/orders/src/payments-inquiry';
import { readSandboxProvider, SandboxProvider } from '../../apps/orders/src/payments/sandbox-provider';
import { ExpiryWorker } from '../../apps/orders/src/workers/expiry';
import { PaymentStack } from './payment-stack';

let stack: PaymentStack;
let sale: Sale;

beforeAll(async () => {
  stack = await PaymentStack.start('payment crashes');
  sale = stack.sale;
});

afterAll(() => stack?.stop());

describe('a process that dies', () => {
  it('between the provider creating the intent and our row: the next request finds the same intent', async () => {
    const order = await stack.place(await sale.openRound(), 'b_1');
    const [row] = await sale.database.query<{ ms: number }>(
      'select (extract(epoch from expires_at) * 1000)::float8 as ms from orders where order_id = $1',
      [order.uuid],
    );
    const orphan = await stack.provider.createIntent({
      orderId: order.id,
      amount: money(9_900, 'CNY'),
      idempotencyKey: order.id,
      expiresAtMs: Math.round(row!.ms),
      description: 'Bottle',
    });
    const intent = await stack.post(`orders/${order.id}/payment-intents`, order.bearer);
    expect(intent).toMatchObject({ status: 201, body: { intentId: orphan.intentId } });
  });

  it('before it stored an intent that is paid: the callback finds the order by itself', async () => {
    const order = await stack.place(await sale.openRound(), 'b_2');
    const intent = await stack.post(`orders/${order.id}/payment-intents`, order.bearer);
    await sale.database.query('delete from payment_intents where order_id = $1', [order.uuid]);
    await stack.pay(intent.body, 'tok_callback_twice');
    await stack.becomes(order.uuid, 'PAID');
    expect(await sale.eventsOf(order.uuid)).toEqual(['paid']);
  });

  it('between asking about an expired order and acting on it: the order is asked about again', async () => {
    const order = await stack.place(await sale.openRound(), 'b_3');
    const intent = await stack.post(`orders/${order.id}/payment-intents`, order.bearer);
    await stack.pay(intent.body, 'tok_callback_lost');
    await sale.database.query(
      `update orders set expires_at = now() - interval '1 second', check_attempts = 1, next_check_at = now() + interval '1 second' where order_id = $1`,
      [order.uuid],
    );
    await stack.becomes(order.uuid, 'PAID');
  });

  it('after closing, with the callback of a late payment lost: the provider is asked about closed orders too', async () => {
    const item = await sale.openRound();
    const order = await stack.place(item, 'b_4');
    const intent = await stack.post(`orders/${order.id}/payment-intents`, order.bearer);
    await stack.pay(intent.body, 'tok_callback_lost');
    // The order was closed while the provider did not answer.
    await sale.database.transaction(async (tx) => {
      await tx.query(
        `update orders set status = 'CLOSED', close_reason = 'EXPIRED', closed_at = now(), sequence = 2, next_check_at = now() where order_id = $1`,
        [order.uuid],
      );
      await tx.query('update round_items set held = held - 1, released = released + 1 where item_id = $1', [
        item.itemId,
      ]);
    });
    await sale.loadGate(item);
    await stack.becomes(order.uuid, 'PAID');
    expect(await sale.counters(item)).toMatchObject({ held: 0, sold: 1 });
  });

  it('between the refund at the provider and our record of it: the refund happens once', async () => {
    const order = await stack.place(await sale.openRound(), 'b_5');
    const intent = await stack.post(`orders/${order.id}/payment-intents`, order.bearer);
    await sale.database.query(`alter table refunds alter column next_attempt_at set default now() + interval '1 hour'`);
    try {
      await stack.pay(intent.body, 'tok_wrong_amount');
      await stack.becomes(order.uuid, 'REFUNDING');
    } finally {
      await sale.database.query('alter table refunds alter column next_attempt_at set default now()');
    }
    const [due] = await sale.database.query<{ refund_id: string; charge_id: string }>(
      'select refund_id, charge_id from refunds where order_id = $1',
      [order.uuid],
    );
    const amount = money(9_899, 'CNY');
    const key = idFromUuid('refund', due!.refund_id);
    const intentId = String(intent.body['intentId']);
    const done = await stack.provider.refund({ intentId, chargeId: due!.charge_id, amount, idempotencyKey: key });
    await sale.database.query('update refunds set next_attempt_at = now() where order_id = $1', [order.uuid]);
    await stack.becomes(order.uuid, 'REFUNDED');
    const [after] = await sale.database.query<{ provider_refund_id: string }>(
      'select provider_refund_id from refunds where order_id = $1',
      [order.uuid],
    );
    expect(after!.provider_refund_id).toBe(done.refundId);
    expect(await sale.eventsOf(order.uuid)).toEqual(['closed', 'refund-requested', 'refunded']);
  });
});

it('settles every callback once although connections to Postgres are cut all the time', async () => {
  const item = await sale.openRound({ quota: 40 });
  const orders = await Promise.all(Array.from({ length: 20 }, (_, index) => stack.place(item, `b_cut_${index}`)));
  const intents = await Promise.all(
    orders.map((order) => stack.post(`orders/${order.id}/payment-intents`, order.bearer)),
  );
  let cutting = true;
  const cutter = (async () => {
    for (let cuts = 0; cutting && cuts < 100; cuts += 1) {
      await sale.database
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and application_name = 'spec'`,
        )
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  })();
  await Promise.all(intents.map((intent) => stack.pay(intent.body, 'tok_callback_twice')));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  cutting = false;
  await cutter;
  for (const order of orders) {
    await eventually(async () => expect(await sale.statusOf(order.uuid)).toBe('PAID'), { withinMs: 40_000 });
    expect(await sale.eventsOf(order.uuid)).toEqual(['paid']);
  }
  expect(await sale.counters(item)).toMatchObject({ held: 0, sold: 20 });
});

it('keeps an expired order open while the provider is unavailable, and closes it after a bounded time', async () => {
  const env = {
    PAYMENT_PROVIDER: 'sandbox',
    PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${await freePort()}`,
    PAYMENTS_PROVIDER_KEY: 'key_of_the_merchant_server',
    PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    PAYMENTS_PROVIDER_DEADLINE_MS: '200',
  };
  const away = new SandboxProvider(readSandboxProvider(new EnvReader(env)));
  // Only the worker of this test may run, so the services are stopped.
  const other = await PaymentStack.start('provider away');
  try {
    await other.running.close();
    const item = await other.sale.openRound();
    const [order] = await other.sale.place(item, 1, { expiresIn: -1, intentId: 'pi_away' });
    const worker = new ExpiryWorker(
      other.sale.database,
      other.sale.settler,
      new PaymentsInquiry(away),
      other.sale.gate,
      other.sale.relay,
      {
        askAgainMs: 50,
        askForMs: 3_000,
      },
    );
    await worker.sweep();
    expect(await other.sale.statusOf(order!)).toBe('AWAITING_PAYMENT');
    await eventually(
      async () => {
        await worker.sweep();
        expect(await other.sale.statusOf(order!)).toBe('CLOSED');
      },
      { withinMs: 10_000 },
    );
    expect(await other.sale.counters(item)).toMatchObject({ held: 0, released: 1 });
  } finally {
    await away.close();
    await other.stop();
  }
});

it('ends open streams when the process stops, and stops in time', async () => {
  const own = await PaymentStack.start('stop streams');
  try {
    const order = await own.place(await own.sale.openRound(), 'b_stream');
    const response = await fetch(`${own.running.url}/orders/v1/orders/${order.id}/events`, {
      headers: { authorization: `Bearer ${order.bearer}` },
    });
    const events = response.text();
    const started = performance.now();
    await own.running.close();
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await events).toContain('id: 1');
  } finally {
    await own.stop();
  }
});
