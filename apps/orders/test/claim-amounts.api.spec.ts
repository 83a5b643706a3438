// Goal: totals from zero to the largest are claimed, kept and shown exactly, in currencies with and without minor
// units; a total of zero is paid without a provider. Method: the whole service over HTTP, with no provider to be
// reached.
import { newUuid } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { ClaimsService } from './support/claims-service';
import type { Sale } from './support/sale-fixture';

let service: ClaimsService;

beforeAll(async () => {
  service = await ClaimsService.start('claim-amounts');
});

afterAll(async () => service?.stop());

let buyers = 0;
const newBuyer = (): string => `b_${(buyers += 1)}`;
const itemOf = (sale: Sale): string => sale.itemIds[0]!;

it('takes a claim of nothing, which is paid at once and has no payment', async () => {
  const sale = await service.onSale({ priceMinor: 0 });
  const buyer = newBuyer();
  const { status, body } = await service.claim(sale, buyer, { expectedTotal: { amount: 0, currency: 'CNY' } });
  expect([status, body.status, body.total]).toEqual([201, 'AWAITING_PAYMENT', { amount: 0, currency: 'CNY' }]);
  const paid = await eventually(async () => {
    const order = await service.call(buyer, 'GET', `/orders/${body.orderId}`);
    expect(order.body.status).toBe('PAID');
    return order.body;
  });
  expect([paid.version, paid.total]).toEqual([2, { amount: 0, currency: 'CNY' }]);
  const intent = await service.call(buyer, 'POST', `/orders/${body.orderId}/payment-intents`, { key: newUuid() });
  expect([intent.status, intent.body.code]).toEqual([409, 'order-not-payable']);
  const [item] = await service.database.query('select held, sold from round_items where item_id = $1', [itemOf(sale)]);
  expect(item).toEqual({ held: 0, sold: 1 });
});

it('takes an expected total of nothing as a total, not as none', async () => {
  const sale = await service.onSale({ priceMinor: 1 });
  const free = await service.claim(sale, newBuyer(), { expectedTotal: { amount: 0, currency: 'CNY' } });
  expect([free.body.code, free.body.total]).toEqual(['price-changed', { amount: 1, currency: 'CNY' }]);
  const right = await service.claim(sale, newBuyer(), { expectedTotal: { amount: 1, currency: 'CNY' } });
  expect([right.status, right.body.total]).toEqual([201, { amount: 1, currency: 'CNY' }]);
});

it('counts a currency without minor units in whole units', async () => {
  const sale = await service.onSale({ priceMinor: 1_980, currency: 'JPY', perOrderLimit: 3, perBuyerLimit: 3 });
  const total = { amount: 5_940, currency: 'JPY' };
  const { status, body } = await service.claim(sale, newBuyer(), { quantity: 3, expectedTotal: total });
  expect([status, body.total]).toEqual([201, total]);
});

it('keeps the largest total of a claim exact', async () => {
  const sale = await service.onSale({
    priceMinor: 9_007_199_254_740,
    quotas: [1_000],
    perOrderLimit: 1_000,
    perBuyerLimit: 1_000,
  });
  const total = { amount: 9_007_199_254_740_000, currency: 'CNY' };
  const { status, body } = await service.claim(sale, newBuyer(), { quantity: 1_000, expectedTotal: total });
  expect([status, body.total]).toEqual([201, total]);
  const [order] = await service.database.query('select total_minor::text as minor from orders where item_id = $1', [
    itemOf(sale),
  ]);
  expect(order).toEqual({ minor: String(total.amount) });
});
