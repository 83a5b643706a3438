// Goal: P3 is watched without false alarms. Method: real claims, decisions and returns through the real gate while the
// watch looks on; then faults put into Redis and Postgres by hand.
import { Redis } from 'ioredis';
import { idFromUuid, newId, newUuid, systemClock, uuidFromId } from '@gravity/kernel';
import { engines, eventually } from '@gravity/testing';
import { knownSku, OPERATOR, roundsFixture, type RoundsFixture, seriesBody } from '../../test/support/rounds-fixture';
import { ClaimDecider } from '../decision/claim-decider';
import { ServerClock } from '../decision/server-clock';
import { gateFinding, suspect, type Suspicion } from '../domain/conservation';
import { gateKeys } from '../gate/gate-scripts';
import type { GateInForce } from '../gate/redis-gate';
import { SaleDirectory, type SaleItem } from '../sales/sale-directory';
import { watchedItems } from '../storage/conservation.repository';
import { findRounds } from '../storage/rounds.repository';

let fix: RoundsFixture;
let redis: Redis;
let decider: ClaimDecider;

beforeAll(async () => {
  fix = await roundsFixture('conservation');
  redis = new Redis(engines().redisUrl);
  decider = new ClaimDecider(fix.database, new ServerClock(fix.database, systemClock), {
    batchMax: 64,
    queueMax: 10_000,
    onCommitted: () => undefined,
  });
});

afterAll(async () => {
  await decider.drain();
  redis.disconnect();
  await fix.close();
});

interface OpenSale {
  readonly seriesId: string;
  readonly roundId: string;
  readonly wireId: string;
  readonly itemId: string;
  readonly item: SaleItem;
}

/** A round of one item on sale, loaded into the gate. */
async function openSale(quota: number): Promise<OpenSale> {
  const sku = await knownSku(fix.database, newId('sku'));
  const body = seriesBody([sku.wireId], { roundsAhead: 1 });
  const items = body.items.map((item) => ({ ...item, quota }));
  const made = await fix.perform(fix.createSeries.execute(OPERATOR, { ...body, items }));
  if (!made.ok) throw new Error(made.error.detail);
  const seriesId = uuidFromId('series', made.value.id)!;
  await fix.generator.generate(seriesId);
  const { rounds } = await findRounds(fix.database, { seriesId, visibleTo: { everything: true }, limit: 1 });
  const { roundId } = rounds[0]!;
  await fix.database.query(
    `update rounds set opens_at = now(), closes_at = now() + interval '1 hour' where round_id = $1`,
    [roundId],
  );
  expect([await fix.advance.execute(roundId), await fix.advance.execute(roundId)]).toEqual(['WARMED', 'OPEN']);
  const sale = await new SaleDirectory(fix.database, () => 0).refresh(roundId);
  const item = [...sale!.items.values()][0]!;
  return { seriesId, roundId, wireId: idFromUuid('round', roundId), itemId: item.itemId, item };
}

const inForce = ({ epoch }: SaleItem): GateInForce => ({ epoch, runId: fix.connection.runId });

/** One claim the whole way: gate, decision, report. True when it was won. */
async function claim({ seriesId, itemId, item }: OpenSale, buyerId: string): Promise<boolean> {
  const claimId = newUuid();
  const orderId = newUuid();
  const answer = await fix.gate.claim(seriesId, itemId, inForce(item), { claimId, buyerId, quantity: 1 });
  if (answer.kind !== 'admitted') return false;
  const decision = await decider.submit({
    claimId,
    orderId,
    orderKey: idFromUuid('order', orderId),
    item,
    buyerId,
    quantity: 1,
    epoch: item.epoch,
    admissionNumber: answer.admissionNumber,
    fingerprint: 'same',
    regionCode: 'CN-11',
    paymentWindowMs: 60_000,
    traceparent: undefined,
  });
  const won = decision.outcome === 'ACCEPTED';
  const admission = { epoch: item.epoch, number: answer.admissionNumber };
  await fix.gate.report(seriesId, itemId, claimId, admission, won ? 'confirmed' : 'cancelled');
  return won;
}

/** Closes some unpaid orders, as expiry does. */
async function release({ itemId, seriesId }: OpenSale, count: number): Promise<void> {
  await fix.database.transaction(async (tx) => {
    const orders = await tx.query<{ claim_id: string }>(
      `update orders set status = 'CLOSED' where order_id in (
         select order_id from orders where item_id = $1 and status = 'AWAITING_PAYMENT' order by order_id limit $2 for no key update)
       returning claim_id`,
      [itemId, count],
    );
    await tx.query('update round_items set held = held - $2 where item_id = $1', [itemId, orders.length]);
    await tx.query(
      'insert into gate_returns (claim_id, series_id, item_id) select claim_id, $2, $3 from unnest($1::uuid[]) as c(claim_id)',
      [orders.map((order) => order.claim_id), seriesId, itemId],
    );
  });
  fix.returns.wake();
}

const conservation = async (sale: OpenSale) => {
  const answer = await fix.conservation.execute(sale.roundId);
  if (!answer.ok) throw new Error(answer.error.detail);
  return answer.value;
};

const itemKey = (sale: OpenSale): string => gateKeys(sale.seriesId, sale.itemId)[2]!;
const stoppedReason = async (sale: OpenSale): Promise<string | null> =>
  (
    await fix.database.query<{ stopped_reason: string | null }>(
      'select stopped_reason from rounds where round_id = $1',
      [sale.roundId],
    )
  )[0]!.stopped_reason;

it('finds no drift in a busy sale with refusals, returns and second sales', async () => {
  const sale = await openSale(120);
  const items = await watchedItems(fix.database, { roundId: sale.roundId, statuses: ['OPEN'] });
  fix.returns.start();
  let busy = true;
  let suspicion: Suspicion | undefined;
  let stillLooks = 0;
  const watching = (async () => {
    while (busy) {
      const [look] = await fix.check.look(items, true);
      expect(look).toMatchObject({ verdict: { heldDrift: 0, soldDrift: 0 } });
      const finding = gateFinding({ still: look!.still, epoch: look!.ledger.epoch, verdict: look!.verdict });
      suspicion = suspect(suspicion, finding);
      expect(suspicion).toBeUndefined();
      if (finding === 'clean') stillLooks += 1;
    }
  })();
  let won = 0;
  for (let wave = 0; wave < 12; wave += 1) {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => claim(sale, `b_${wave}_${index}`)));
    won += answers.filter(Boolean).length;
    await release(sale, 7);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await eventually(async () =>
    expect((await conservation(sale)).items[0]).toMatchObject({ exact: true, gate: { returning: 0, pending: 0 } }),
  );
  busy = false;
  await watching;
  await fix.returns.stop();
  expect(won).toBeGreaterThan(120);
  expect(stillLooks).toBeGreaterThan(3);
  const [item] = (await conservation(sale)).items;
  expect(item).toMatchObject({ ok: true, drift: 0, heldDrift: 0, soldDrift: 0 });
  const { quota, held, sold, writtenOff, available } = item!.postgres;
  expect(held + sold + writtenOff + available).toBe(quota);
  expect(item!.gate!.available + item!.gate!.claimed).toBe(quota);
});

it('shows claims in flight as in flight, and faults as faults', async () => {
  const sale = await openSale(10);
  await fix.gate.claim(sale.seriesId, sale.itemId, inForce(sale.item), {
    claimId: newUuid(),
    buyerId: 'b_1',
    quantity: 1,
  });
  expect(await conservation(sale)).toMatchObject({
    ok: true,
    items: [
      { drift: 0, gate: { available: 9, pending: 1, undecided: 1, expectedMax: 9 }, postgres: { available: 10 } },
    ],
  });
  await redis.hincrby(itemKey(sale), 'available', 3);
  expect(await conservation(sale)).toMatchObject({ ok: false, items: [{ drift: 3, exact: true }] });
  await fix.database.query('update round_items set held = 2 where item_id = $1', [sale.itemId]);
  expect(await conservation(sale)).toMatchObject({ ok: false, items: [{ heldDrift: -2, drift: 5 }] });
  await fix.database.query(`update round_items set held = 0, admission = 'DIRECT' where item_id = $1`, [sale.itemId]);
  expect(await conservation(sale)).toMatchObject({
    ok: true,
    items: [{ gate: null, gateAbsence: 'direct-admission', drift: null }],
  });
  expect(await fix.conservation.execute(newUuid())).toMatchObject({ error: { code: 'not-found' } });
});

it('stops a sale whose drift persists, leaves correct ones alone, and reconcile repairs the gate', async () => {
  const [broken, correct] = [await openSale(50), await openSale(50)];
  await claim(broken, 'b_1');
  await claim(correct, 'b_1');
  await redis.hincrby(itemKey(broken), 'available', 1);
  fix.watch.start();
  try {
    await eventually(
      async () => expect(await stoppedReason(broken)).toMatch(/^drift: the gate of epoch \d+ offers 1 units too many/),
      {
        withinMs: 10_000,
      },
    );
  } finally {
    await fix.watch.stop();
  }
  expect(await claim(broken, 'b_2')).toBe(false);
  expect(await stoppedReason(correct)).toBeNull();
  expect(await claim(correct, 'b_2')).toBe(true);
  const repaired = await fix.reconcile.reconcileRound(broken.wireId);
  expect(repaired).toMatchObject({ value: { repaired: true, before: { ok: false }, after: { ok: true } } });
  expect((await fix.reconcile.reconcileAll()).find((report) => report.before.roundId === correct.wireId)).toMatchObject(
    {
      repaired: false,
      after: { ok: true },
    },
  );
  expect(await stoppedReason(broken)).toMatch(/^drift/);
});

it('reconciles a gate after a process died', async () => {
  const [stopped, emptied] = [await openSale(5), await openSale(5)];
  await fix.gate.setState(stopped.seriesId, stopped.itemId, 'stopped');
  await redis.del(...gateKeys(emptied.seriesId, emptied.itemId));
  fix.watch.start();
  try {
    await eventually(
      async () => {
        const views = await fix.keeper.view(stopped.seriesId, [stopped.itemId]);
        expect(views?.get(stopped.itemId)?.state).toBe('open');
        const reloaded = await fix.keeper.view(emptied.seriesId, [emptied.itemId]);
        expect(reloaded?.get(emptied.itemId)).toMatchObject({ state: 'open', available: 5 });
      },
      { withinMs: 10_000 },
    );
  } finally {
    await fix.watch.stop();
  }
  expect(await stoppedReason(stopped)).toBeNull();
});
