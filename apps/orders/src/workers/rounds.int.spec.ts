// Goal: rounds are generated once, change state by their time or their counters, and no unit is lost on the way, with
// several processes at work. Method: the real workers on a real Postgres and Redis; time is moved in the rows.
import { VersionMatch } from '@gravity/http';
import { idFromUuid, newId, newUuid } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import {
  knownSku,
  makeSeries,
  OPERATOR,
  roundsFixture,
  type RoundsFixture,
  roundsProcess,
  seriesBody,
} from '../../test/support/rounds-fixture';
import type { RoundStatus } from '../domain/round';
import { findRounds } from '../storage/rounds.repository';
import type { CreateSeriesBody } from '../use-cases/create-series/create-series.dto';

let fix: RoundsFixture;

beforeAll(async () => {
  fix = await roundsFixture('rounds');
});

afterAll(() => fix.close());

const newSeries = (more: Partial<CreateSeriesBody> = {}, skus = 1) => makeSeries(fix, more, skus);

const roundsOf = async (seriesId: string) =>
  (await findRounds(fix.database, { seriesId, visibleTo: { everything: true }, limit: 500 })).rounds;

/** Moves a round in time: seconds from now, negative in the past. */
async function moveTo(roundId: string, opensIn: number, closesIn: number): Promise<void> {
  await fix.database.query(
    `update rounds set opens_at = now() + make_interval(secs => $2), closes_at = now() + make_interval(secs => $3)
     where round_id = $1`,
    [roundId, opensIn, closesIn],
  );
}

const counters = (itemId: string, set: string) =>
  fix.database.query(`update round_items set ${set} where item_id = $1`, [itemId]);

const events = async (roundId: string): Promise<{ type: string; payload: Record<string, unknown> }[]> =>
  (
    await fix.database.query<{ type: string; payload: string }>(
      'select type, payload from outbox where key = $1 order by id',
      [idFromUuid('round', roundId)],
    )
  ).map((row) => ({ type: row.type.split('.')[2]!, payload: JSON.parse(row.payload) as Record<string, unknown> }));

const advance = (roundId: string): Promise<RoundStatus | undefined> => fix.advance.execute(roundId);

describe('generator', () => {
  it('keeps rounds ahead, once, with several processes at it', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 12 });
    const others = Array.from({ length: 4 }, () => roundsProcess(fix.database, fix.keeper, fix.relay));
    const made = await Promise.all(
      others.flatMap((each) => [each.generator.generate(seriesId), each.generator.generate(seriesId)]),
    );
    await fix.generator.generate(seriesId);
    const rounds = await roundsOf(seriesId);
    expect(rounds).toHaveLength(12);
    expect(made.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(12);
    expect(rounds.map((round) => round.number)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(rounds.every((round) => round.opensAtMs % 600_000 === 0 && round.status === 'APPROVED')).toBe(true);
    expect(rounds[0]!.items[0]).toMatchObject({
      quota: 100,
      price: { minor: 149_900n, currency: 'CNY' },
      selling: false,
    });
    expect(rounds[0]!.items[0]!.priceVersionId).toBeDefined();
    expect((await events(rounds[0]!.roundId)).map((event) => event.type)).toEqual(['approved']);
    expect(await fix.generator.generate(seriesId)).toBe(0);
  });

  it('makes more in one turn than fit one transaction, drafts without approval, and nothing for a pause or a delisted SKU', async () => {
    const deep = await newSeries({ roundsAhead: 120, autoApprove: false });
    for (let turn = 0; turn < 3; turn += 1) await fix.generator.generate(deep.seriesId);
    const rounds = await roundsOf(deep.seriesId);
    expect(rounds).toHaveLength(120);
    expect(new Set(rounds.map((round) => round.status))).toEqual(new Set(['DRAFT']));

    const paused = await newSeries();
    expect((await fix.perform(fix.pauseSeries.execute(paused.seriesId, 'PAUSED'), VersionMatch.of(1))).ok).toBe(true);
    expect(await fix.generator.generate(paused.seriesId)).toBe(0);
    expect(await fix.perform(fix.pauseSeries.execute(paused.seriesId, 'ACTIVE'), VersionMatch.of(1))).toMatchObject({
      error: { code: 'stale-version' },
    });

    const delisted = await newSeries();
    await fix.database.query('update sku_snapshots set listed = false where sku_id = any($1)', [delisted.skuIds]);
    expect(await fix.generator.generate(delisted.seriesId)).toBe(0);
  });

  it('ends a series whose recurrence has ended', async () => {
    const { seriesId } = await newSeries({
      recurrence: { everySeconds: 600, openForSeconds: 300, endsAt: '2020-01-01T00:00:00Z' },
    });
    await fix.generator.generate(seriesId);
    const [row] = await fix.database.query<{ status: string }>('select status from series where series_id = $1', [
      seriesId,
    ]);
    expect(row!.status).toBe('ENDED');
  });
});

describe('series', () => {
  it('are refused when they cannot be sold or timed', async () => {
    const sku = await knownSku(fix.database, newId('sku'));
    const unlisted = await knownSku(fix.database, newId('sku'), false);
    const code = async (body: CreateSeriesBody): Promise<string | undefined> => {
      const answer = await fix.perform(fix.createSeries.execute(OPERATOR, body));
      return answer.ok ? undefined : answer.error.code;
    };
    expect(await code(seriesBody([newId('sku')]))).toBe('sku-unknown');
    expect(await code(seriesBody([unlisted.wireId]))).toBe('sku-unknown');
    expect(await code(seriesBody([sku.wireId, sku.wireId]))).toBe('invalid-request');
    expect(await code(seriesBody([sku.wireId], { recurrence: { everySeconds: 60, openForSeconds: 61 } }))).toBe(
      'invalid-request',
    );
  });
});

describe('lifecycle', () => {
  it('runs a round from its approval to its settlement', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 1 }, 2);
    await fix.generator.generate(seriesId);
    const [round] = await roundsOf(seriesId);
    const { roundId } = round!;
    const [first, second] = round!.items.map((item) => item.itemId) as [string, string];
    expect(await advance(roundId)).toBeUndefined();
    await moveTo(roundId, 5, 100);
    expect(await advance(roundId)).toBe('WARMED');
    const views = await fix.keeper.view(seriesId, [first, second]);
    expect(views?.get(first)).toMatchObject({ state: 'open', available: 100, claimed: 0 });
    expect(await advance(roundId)).toBeUndefined();
    await moveTo(roundId, -1, 100);
    expect(await advance(roundId)).toBe('OPEN');
    await counters(first, 'held = 100');
    expect(await advance(roundId)).toBeUndefined();
    await counters(second, 'held = 99, sold = 1');
    expect(await advance(roundId)).toBe('SOLD_OUT');
    await counters(first, 'held = 97');
    expect(await advance(roundId)).toBe('OPEN');
    expect((await events(roundId)).at(-1)).toMatchObject({
      type: 'reopened',
      payload: { items: [{ itemId: idFromUuid('item', first), units: 3 }] },
    });
    await moveTo(roundId, -100, -1);
    expect(await advance(roundId)).toBe('CLOSED');
    expect((await fix.keeper.view(seriesId, [first]))?.get(first)?.state).toBe('stopped');
    expect(await advance(roundId)).toBeUndefined();
    await counters(first, 'held = 0, sold = 90');
    await counters(second, 'held = 0, sold = 100');
    expect(await advance(roundId)).toBe('SETTLED');
    expect(await advance(roundId)).toBeUndefined();
    const history = await events(roundId);
    expect(history.map((event) => event.type)).toEqual([
      'approved',
      'warmed',
      'opened',
      'sold-out',
      'reopened',
      'closed',
      'settled',
    ]);
    expect(history.map((event) => event.payload['sequence'])).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(history.at(-1)!.payload['items']).toMatchObject([
      { quota: 100, sold: 90, writtenOff: 10, carriedOver: 0 },
      { quota: 100, sold: 100, writtenOff: 0, carriedOver: 0 },
    ]);
  });

  it('carries leftovers into the next round that is not warmed, once, with several processes at it', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 3, leftover: 'CARRY' });
    await fix.generator.generate(seriesId);
    const [old, warmed, next] = await roundsOf(seriesId);
    await moveTo(old!.roundId, -100, -1);
    await fix.database.query(`update rounds set status = 'CLOSED' where round_id = $1`, [old!.roundId]);
    await fix.database.query(`update rounds set status = 'WARMED' where round_id = $1`, [warmed!.roundId]);
    await counters(old!.items[0]!.itemId, 'sold = 60');
    await Promise.all(Array.from({ length: 6 }, () => advance(old!.roundId)));
    const after = await roundsOf(seriesId);
    expect(after.map((round) => round.items[0])).toMatchObject([
      { quota: 100, sold: 60, writtenOff: 40 },
      { quota: 100, writtenOff: 0 },
      { quota: 140, writtenOff: 0 },
    ]);
    expect((await events(old!.roundId)).filter((event) => event.type === 'settled')).toMatchObject([
      { payload: { items: [{ carriedOver: 40, writtenOff: 40 }] } },
    ]);
    // Without a round to carry to, the units end.
    await fix.database.query(`update rounds set status = 'CLOSED' where round_id = any($1)`, [
      [warmed!.roundId, next!.roundId],
    ]);
    expect(await advance(next!.roundId)).toBe('SETTLED');
    expect((await roundsOf(seriesId))[2]!.items[0]).toMatchObject({ quota: 140, writtenOff: 140 });
  });

  it('settles neighbouring rounds at the same time without a deadlock and without losing a unit', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 8, leftover: 'CARRY' }, 2);
    await fix.generator.generate(seriesId);
    const rounds = await roundsOf(seriesId);
    const closing = rounds.slice(0, 7).map((round) => round.roundId);
    await fix.database.query(`update rounds set status = 'CLOSED' where round_id = any($1)`, [closing]);
    await Promise.all(closing.flatMap((roundId) => [advance(roundId), advance(roundId)]));
    await Promise.all(closing.map((roundId) => advance(roundId)));
    const after = await roundsOf(seriesId);
    expect(after.map((round) => round.status)).toEqual([...Array<string>(7).fill('SETTLED'), 'APPROVED']);
    expect(after[7]!.items.map((item) => item.quota)).toEqual([800, 800]);
  });

  it('cancels rounds that were not approved or were missed, and takes a late round through OPEN', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 3, autoApprove: false });
    await fix.generator.generate(seriesId);
    const [draft, missed, late] = await roundsOf(seriesId);
    await fix.database.query(`update rounds set status = 'APPROVED' where round_id = $1`, [missed!.roundId]);
    await fix.database.query(`update rounds set status = 'WARMED' where round_id = $1`, [late!.roundId]);
    for (const round of [draft!, missed!, late!]) {
      await moveTo(round.roundId, -100 - round.number, -1);
    }
    expect(await advance(draft!.roundId)).toBe('CANCELLED');
    expect(await advance(missed!.roundId)).toBe('CANCELLED');
    for (const status of ['OPEN', 'CLOSED', 'SETTLED']) expect(await advance(late!.roundId)).toBe(status);
    expect((await roundsOf(seriesId)).every((round) => round.items[0]!.writtenOff === 100)).toBe(true);
  });

  it('drives rounds by itself, on two processes, and every event is published once', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 1 });
    await fix.generator.generate(seriesId);
    const [round] = await roundsOf(seriesId);
    await moveTo(round!.roundId, 0.6, 1.4);
    const two = [fix.lifecycle, roundsProcess(fix.database, fix.keeper, fix.relay).lifecycle];
    for (const each of two) each.start();
    try {
      await eventually(async () => expect((await roundsOf(seriesId))[0]!.status).toBe('SETTLED'), { withinMs: 10_000 });
    } finally {
      await Promise.all(two.map((each) => each.stop()));
    }
    expect((await events(round!.roundId)).map((event) => event.type)).toEqual([
      'approved',
      'warmed',
      'opened',
      'closed',
      'settled',
    ]);
    const opened = (await events(round!.roundId)).find((event) => event.type === 'opened')!.payload;
    expect(Date.parse(String(opened['occurredAt'])) - Date.parse(String(opened['opensAt']))).toBeLessThan(500);
  });

  it('loads the gate of a round whose process died right after warming it', async () => {
    const { seriesId } = await newSeries({ roundsAhead: 1 });
    await fix.generator.generate(seriesId);
    const [round] = await roundsOf(seriesId);
    await moveTo(round!.roundId, 30, 100);
    await fix.database.query(`update rounds set status = 'WARMED' where round_id = $1`, [round!.roundId]);
    await fix.database.query(`update round_items set selling = true where round_id = $1`, [round!.roundId]);
    fix.lifecycle.start();
    try {
      await eventually(async () => {
        const views = await fix.keeper.view(seriesId, [round!.items[0]!.itemId]);
        expect(views?.get(round!.items[0]!.itemId)).toMatchObject({ state: 'open', available: 100 });
      });
    } finally {
      await fix.lifecycle.stop();
    }
  });
});

describe('operators', () => {
  async function oneRound(more: Partial<CreateSeriesBody> = {}) {
    const made = await newSeries({ roundsAhead: 1, ...more });
    await fix.generator.generate(made.seriesId);
    const [round] = await roundsOf(made.seriesId);
    return { ...made, round: round! };
  }

  it('approve a draft at the version they read, once', async () => {
    const { round } = await oneRound({ autoApprove: false });
    expect(await fix.perform(fix.approve.execute(OPERATOR, round.roundId), VersionMatch.of(7))).toMatchObject({
      error: { code: 'stale-version' },
    });
    expect(await fix.perform(fix.approve.execute(OPERATOR, round.roundId), VersionMatch.of(1))).toMatchObject({
      value: { status: 'APPROVED', version: 2 },
    });
    expect(await fix.perform(fix.approve.execute(OPERATOR, round.roundId), VersionMatch.of(1))).toMatchObject({
      value: { status: 'APPROVED', version: 2 },
    });
    expect((await events(round.roundId)).map((event) => event.type)).toEqual(['approved']);
    expect(await fix.perform(fix.approve.execute(OPERATOR, newUuid()))).toMatchObject({
      error: { code: 'not-found' },
    });
  });

  it('stop and resume a sale, in Postgres and in the gate', async () => {
    const { seriesId, round } = await oneRound();
    const itemId = round.items[0]!.itemId;
    const gateState = async () => (await fix.keeper.view(seriesId, [itemId]))?.get(itemId)?.state;
    await moveTo(round.roundId, -1, 100);
    expect(await fix.perform(fix.stopSale.execute(OPERATOR, round.roundId, 'early'))).toMatchObject({
      value: { stopped: true },
    });
    // A stopped round is warmed and opened all the same; it just does not sell.
    expect([await advance(round.roundId), await advance(round.roundId)]).toEqual(['WARMED', 'OPEN']);
    expect((await roundsOf(seriesId))[0]!.items[0]!.selling).toBe(false);
    expect(await gateState()).toBe('stopped');
    expect(await fix.perform(fix.resumeSale.execute(OPERATOR, round.roundId))).toMatchObject({
      value: { stopped: false },
    });
    expect((await roundsOf(seriesId))[0]!.items[0]!.selling).toBe(true);
    expect(await gateState()).toBe('open');
    expect(await fix.perform(fix.stopSale.execute(OPERATOR, round.roundId, 'wrong price'))).toMatchObject({
      value: { stoppedReason: 'wrong price' },
    });
    expect(await fix.perform(fix.stopSale.execute(OPERATOR, round.roundId, 'again'))).toMatchObject({
      value: { stoppedReason: 'wrong price' },
    });
    expect(await gateState()).toBe('stopped');
    await moveTo(round.roundId, -100, -1);
    expect(await advance(round.roundId)).toBe('CLOSED');
    expect(await fix.perform(fix.stopSale.execute(OPERATOR, round.roundId, 'late'))).toMatchObject({
      value: { stopped: true },
    });
    expect(await fix.perform(fix.resumeSale.execute(OPERATOR, round.roundId))).toMatchObject({
      error: { code: 'invalid-transition' },
    });
    const types = (await events(round.roundId)).map((event) => event.type);
    expect(types).toEqual(['approved', 'stopped', 'warmed', 'opened', 'resumed', 'stopped', 'closed']);
  });

  it('cancel a round without orders, and end one that is on sale', async () => {
    const future = await oneRound();
    expect(await fix.perform(fix.cancel.execute(OPERATOR, future.round.roundId, 'rain'))).toMatchObject({
      value: { status: 'CANCELLED' },
    });
    expect(await fix.perform(fix.cancel.execute(OPERATOR, future.round.roundId, 'rain'))).toMatchObject({
      value: { status: 'CANCELLED' },
    });
    // The generator does not bring a cancelled round back.
    expect(await fix.generator.generate(future.seriesId)).toBe(0);

    const running = await oneRound();
    await moveTo(running.round.roundId, 5, 100);
    await advance(running.round.roundId);
    await counters(running.round.items[0]!.itemId, 'held = 2');
    expect(await fix.perform(fix.cancel.execute(OPERATOR, running.round.roundId, 'rain'))).toMatchObject({
      value: { status: 'CLOSED' },
    });
    expect((await events(running.round.roundId)).map((event) => event.type)).toEqual([
      'approved',
      'warmed',
      'opened',
      'closed',
    ]);
    expect(await fix.perform(fix.cancel.execute(OPERATOR, running.round.roundId, 'rain'))).toMatchObject({
      error: { code: 'invalid-transition' },
    });
  });

  it('add a round by hand', async () => {
    const { seriesId } = await oneRound();
    const at = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
    const body = { opensAt: at(60), closesAt: at(90), approve: false };
    const made = await fix.perform(fix.createRound.execute(OPERATOR, seriesId, body));
    expect(made).toMatchObject({ value: { status: 'DRAFT', number: 2, opensAt: body.opensAt } });
    const clash = await fix.perform(fix.createRound.execute(OPERATOR, seriesId, body));
    expect(clash).toMatchObject({ error: { code: 'invalid-request', errors: [{ pointer: '/opensAt' }] } });
    const past = { opensAt: at(-60), closesAt: at(-50) };
    for (const bad of [{ opensAt: at(60), closesAt: at(50) }, past]) {
      expect(await fix.perform(fix.createRound.execute(OPERATOR, seriesId, bad))).toMatchObject({
        error: { code: 'invalid-request' },
      });
    }
    const lost = await fix.perform(fix.createRound.execute(OPERATOR, newUuid(), body));
    expect(lost).toMatchObject({ error: { code: 'not-found' } });
  });
});
