// Goal: a client that comes back gets the versions it has not seen, with any Last-Event-ID. Method: the whole service
// over HTTP; the order is cancelled while the stream is open.
import { newUuid } from '@gravity/kernel';
import { ClaimsService } from './support/claims-service';

let service: ClaimsService;

beforeAll(async () => {
  service = await ClaimsService.start('watch-order-api');
});

afterAll(async () => service?.stop());

let buyers = 0;

async function placed(): Promise<{ buyer: string; orderId: string; token: string }> {
  buyers += 1;
  const buyer = `b_${buyers}`;
  const { body } = await service.claim(await service.onSale({}), buyer);
  return { buyer, orderId: body.orderId, token: await service.issuer.mint({ sub: buyer, roles: ['buyer'] }) };
}

function open(order: { orderId: string; token: string }, lastEventId?: string): Promise<Response> {
  return fetch(`${service.services.url}/orders/v1/orders/${order.orderId}/events`, {
    headers: {
      authorization: `Bearer ${order.token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
}

const cancel = ({ buyer, orderId }: { buyer: string; orderId: string }): Promise<unknown> =>
  service.call(buyer, 'POST', `/orders/${orderId}/cancellation`, { key: newUuid() });

const idsOf = (text: string): number[] => [...text.matchAll(/^id: (.*)$/gm)].map((match) => Number(match[1]));

it.each([
  ['nothing', undefined, [1, 2]],
  ['an empty text', '', [1, 2]],
  ['zero', '0', [1, 2]],
  ['no number', 'latest', [1, 2]],
  ['a negative number', '-1', [1, 2]],
  ['a fraction', '1.5', [1, 2]],
  ['a version ahead of the order', '999', [1, 2]],
  ['the version that comes next', '2', [1, 2]],
  ['the largest number that is read', '999999999', [1, 2]],
  ['a number that no version reaches', '99999999999999999999', [1, 2]],
  ['the present version', '1', [2]],
])('hears of the cancellation after %s', async (_, lastEventId, heard) => {
  const order = await placed();
  const response = await open(order, lastEventId);
  expect(response.status).toBe(200);
  const whole = response.text();
  await cancel(order);
  expect(idsOf(await whole)).toEqual(heard);
});

it('ends with 204 only for the last version of an order that is over', async () => {
  const order = await placed();
  await cancel(order);
  expect((await open(order, '2')).status).toBe(204);
  for (const lastEventId of [undefined, '', '1', '3', '999', '-2']) {
    const response = await open(order, lastEventId);
    expect([response.status, idsOf(await response.text())]).toEqual([200, [2]]);
  }
});
