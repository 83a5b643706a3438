// Goal: after deliveries in any order and number, orders knows the newest state of each SKU, and a delisted SKU is not
// sold. Method: the methods of the event handler in real transactions.
import type { EventPayload } from '@gravity/contracts';
import { newId, uuidFromId } from '@gravity/kernel';
import { EventContext } from '@gravity/messaging';
import { OPERATOR, roundsFixture, type RoundsFixture, seriesBody } from '../../test/support/rounds-fixture';
import { findRounds } from '../storage/rounds.repository';
import { OnSkuChanged } from './on-sku-changed';

type SkuEvent = EventPayload<'catalog.sku.listed.v1'>;

let fix: RoundsFixture;

beforeAll(async () => {
  fix = await roundsFixture('sku-handler');
});

afterAll(() => fix.close());

const skuEvent = (skuId: string, sequence: number, more: Partial<SkuEvent> = {}): SkuEvent => ({
  sequence,
  skuId,
  productId: newId('product'),
  shopId: newId('shop'),
  merchantId: newId('merchant'),
  code: 'bottle',
  title: `Bottle ${sequence}`,
  attributes: { volume: '500ml' },
  price: { amount: 100 * sequence, currency: 'CNY' },
  priceVersionId: newId('price'),
  priceVersion: sequence,
  listed: true,
  occurredAt: '2026-11-20T12:00:00.000Z',
  ...more,
});

const deliver = (method: 'added' | 'listed' | 'delisted' | 'priced', events: readonly SkuEvent[]): Promise<void> =>
  fix.database.transaction((tx) => new OnSkuChanged()[method](events, new EventContext(tx, [])));

const known = async (skuId: string) =>
  (
    await fix.database.query<{ title: string; listed: boolean; price_minor: number; sequence: number }>(
      'select title, listed, price_minor, sequence from sku_snapshots where sku_id = $1',
      [uuidFromId('sku', skuId)],
    )
  )[0];

it('keeps the newest event in any order of arrival', async () => {
  const skuId = newId('sku');
  const [first, second, third] = [skuEvent(skuId, 1), skuEvent(skuId, 2), skuEvent(skuId, 3, { listed: false })];
  await deliver('priced', [second]);
  await deliver('added', [first]);
  expect(await known(skuId)).toMatchObject({ title: 'Bottle 2', price_minor: 200, listed: true });
  await deliver('delisted', [third, third]);
  await deliver('listed', [second, first]);
  expect(await known(skuId)).toMatchObject({ title: 'Bottle 3', listed: false, sequence: 3 });
});

it('takes a delisted SKU off a running sale and puts it back, but not into a stopped one', async () => {
  const skuId = newId('sku');
  await deliver('listed', [skuEvent(skuId, 1)]);
  const made = await fix.perform(fix.createSeries.execute(OPERATOR, seriesBody([skuId], { roundsAhead: 1 })));
  if (!made.ok) throw new Error(made.error.detail);
  const seriesId = uuidFromId('series', made.value.id)!;
  await fix.generator.generate(seriesId);
  const round = async () =>
    (await findRounds(fix.database, { seriesId, visibleTo: { everything: true }, limit: 1 })).rounds[0]!;
  const { roundId } = await round();
  await fix.database.query('update rounds set opens_at = now() where round_id = $1', [roundId]);
  await fix.advance.execute(roundId);
  expect((await round()).items[0]!.selling).toBe(true);
  await deliver('delisted', [skuEvent(skuId, 2, { listed: false })]);
  expect((await round()).items[0]!.selling).toBe(false);
  await deliver('listed', [skuEvent(skuId, 3)]);
  expect((await round()).items[0]!.selling).toBe(true);
  await fix.database.query(`update rounds set stopped_reason = 'x' where round_id = $1`, [roundId]);
  await deliver('delisted', [skuEvent(skuId, 4, { listed: false })]);
  await deliver('listed', [skuEvent(skuId, 5)]);
  expect((await round()).items[0]!.selling).toBe(false);
});
