// Goal: the bytes that are signed are the same for every delivery and hold the facts a merchant needs, no more.
import { money } from '@gravity/kernel';
import { callbackBody } from './callback-body';
import type { Callback, Intent } from './intent';

const intent = { intentId: 'pi_1', orderId: 'ord_1' } as Intent;
const callback: Callback = {
  eventId: 'evt_1',
  type: 'payment.succeeded',
  amount: money(9_900, 'CNY'),
  chargeId: 'ch_1',
  occurredAtMs: 0,
  dueAtMs: 5_000,
};

it('tells of a payment', () => {
  expect(callbackBody(intent, callback)).toBe(
    '{"type":"payment.succeeded","timestamp":"1970-01-01T00:00:00.000Z","data":{"intentId":"pi_1","orderId":"ord_1",' +
      '"amount":{"amount":9900,"currency":"CNY"},"chargeId":"ch_1"}}',
  );
});

it('names the refund when there is one', () => {
  const body = callbackBody(intent, { ...callback, type: 'refund.succeeded', refundId: 're_1' });
  expect(JSON.parse(body)).toMatchObject({ type: 'refund.succeeded', data: { chargeId: 'ch_1', refundId: 're_1' } });
});
