// Goal: a series whose rounds cannot be made costs the others nothing. Method: rows as an earlier release stored them, and
// the real generator on a real Postgres.
import { newId, newUuid, toRfc3339 } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { knownSku, roundsFixture, type RoundsFixture } from '../../test/support/rounds-fixture';
import { insertSeries } from '../storage/series.repository';

let fix: RoundsFixture;

beforeAll(async () => {
  fix = await roundsFixture('round-generator');
});

afterAll(() => fix.close());

async function stored(recurrence: object): Promise<string> {
  const seriesId = newUuid();
  const { skuId } = await knownSku(fix.database, newId('sku'));
  const startsAt = toRfc3339(Date.now() + 3_600_000);
  await insertSeries(fix.database, {
    seriesId,
    title: 'stored by hand',
    timeZone: 'Asia/Shanghai',
    recurrence: { startsAt, everySeconds: 600, openForSeconds: 300, ...recurrence },
    paymentWindowSeconds: 60,
    leftover: 'END',
    admissionOrder: 'FIRST_COME',
    autoApprove: true,
    warmAheadSeconds: 10,
    roundsAhead: 3,
    items: [{ skuId, quota: 1, price: { minor: 100n, currency: 'CNY' }, perOrderLimit: 1, perBuyerLimit: 1 }],
    createdBy: 'op_1',
  });
  return seriesId;
}

const roundsOf = async (seriesId: string): Promise<number> =>
  (await fix.database.query('select 1 from rounds where series_id = $1', [seriesId])).length;

it('makes the rounds of the others when it cannot make those of one', async () => {
  const first = await stored({});
  const broken = await stored({ weekdays: 5 });
  const others = [first, await stored({})];
  fix.generator.start();
  try {
    await eventually(async () => expect(await Promise.all(others.map(roundsOf))).toEqual([3, 3]));
    expect(await roundsOf(broken)).toBe(0);
  } finally {
    await fix.generator.stop();
  }
});

it('takes a member that is null for one that is left out', async () => {
  const series = await stored({ endsAt: null, dailyFrom: null, dailyUntil: null, weekdays: null });
  await fix.generator.generate(series);
  expect(await roundsOf(series)).toBe(3);
});
