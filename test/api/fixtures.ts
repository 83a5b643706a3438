// Two merchants and two buyers. All objects belong to the first merchant and buyer; the second ones must not see them.
import { newUuid } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import type { Answer, ApiStack } from './api-stack';
import { PROVIDER_KEY } from './api-stack';

const PRICE = { amount: 149_900, currency: 'CNY' };
const HOUR_MS = 3_600_000;

export interface Fixtures {
  readonly ownerMerchant: string;
  readonly otherMerchant: string;
  readonly ownerBuyer: string;
  readonly otherBuyer: string;
  readonly shopId: string;
  /** Neither is listed, so only the owner sees them. */
  readonly productId: string;
  readonly skuId: string;
  readonly listedSkuId: string;
  readonly seriesId: string;
  /** A round in status DRAFT. */
  readonly roundId: string;
  readonly draftItemId: string;
  readonly openRoundId: string;
  readonly openItemId: string;
  readonly orderId: string;
  readonly intentId: string;
  readonly clientSecret: string;
}

const key = (): Record<string, string> => ({ 'idempotency-key': newUuid() });

/** Creates all objects through the API. */
export async function createFixtures(stack: ApiStack): Promise<Fixtures> {
  const operator = await stack.token('operator');
  const make = async (path: string, json: unknown, headers = {}, method = 'POST'): Promise<Answer['body']> => {
    const answer = await stack.call(method, path, { token: operator, json, headers: { ...key(), ...headers } });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  const ownerMerchant = (await make('/catalog/v1/merchants', { name: 'Owner' })).id;
  const otherMerchant = (await make('/catalog/v1/merchants', { name: 'Other' })).id;
  const shopId = (await make('/catalog/v1/shops', { merchantId: ownerMerchant, name: 'Shop' })).id;
  const product = (code: string): Promise<Answer['body']> =>
    make('/catalog/v1/products', { shopId, title: `Secret ${code}`, skus: [{ code, title: code, price: PRICE }] });
  const hidden = await product('HIDDEN');
  const listed = await product('LISTED');
  await make(`/catalog/v1/products/${listed.id}/listing`, undefined, { 'if-match': '"1"' }, 'PUT');

  const listedSkuId = listed.skus[0].id;
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const series = await eventually(
    () =>
      make('/orders/v1/series', {
        title: 'Sale',
        timeZone: 'Asia/Shanghai',
        recurrence: { everySeconds: 86_400, openForSeconds: 60, startsAt: at(HOUR_MS) },
        items: [{ skuId: listedSkuId, quota: 100, price: PRICE }],
        roundsAhead: 1,
        paymentWindowSeconds: 3_600,
      }),
    { withinMs: 40_000 },
  );
  const rounds = `/orders/v1/series/${series.id}/rounds`;
  const draft = await make(rounds, { opensAt: at(HOUR_MS), closesAt: at(2 * HOUR_MS), approve: false });
  const open = await make(rounds, { opensAt: at(500), closesAt: at(HOUR_MS), approve: true });
  // The series generates a round itself. Specs that compare rows need it to exist before they start.
  await eventually(async () => {
    const { body } = await stack.call('GET', `/orders/v1/rounds?seriesId=${series.id}`, { token: operator });
    if (body.items.length < 3) throw new Error('the series has not generated its round');
  });
  const ownerBuyer = 'b_owner';
  const buyer = await stack.token('buyer', ownerBuyer);
  const openItemId = open.items[0].id;
  const order = await eventually(
    async () => {
      const json = { itemId: openItemId, quantity: 1, regionCode: 'CN-11' };
      const answer = await stack.call('POST', `/orders/v1/rounds/${open.id}/claims`, {
        token: buyer,
        json,
        headers: key(),
      });
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.body;
    },
    { withinMs: 20_000 },
  );
  const intent = await stack.call('POST', '/payments-sandbox/v1/intents', {
    token: PROVIDER_KEY,
    json: { orderId: 'order of the fixtures', amount: PRICE, expiresAt: at(HOUR_MS), description: '' },
    headers: key(),
  });
  return {
    ownerMerchant,
    otherMerchant,
    ownerBuyer,
    otherBuyer: 'b_other',
    shopId,
    productId: hidden.id,
    skuId: hidden.skus[0].id,
    listedSkuId,
    seriesId: series.id,
    roundId: draft.id,
    draftItemId: draft.items[0].id,
    openRoundId: open.id,
    openItemId,
    orderId: order.orderId,
    intentId: intent.body.intentId,
    clientSecret: intent.body.clientSecret,
  };
}
