// Goal: a full queue refuses further claims at once, with a reason and the time to come again. They leave no trace, and
// take no unit of the gate. Claims that wait are answered, and an accepted claim is never told that it was refused.
// Method: a service with a short queue, an item locked by another transaction, a rush.
import { idFromUuid, newUuid } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { ClaimDecider } from '../src/decision/claim-decider';
import { RedisGate } from '../src/gate/redis-gate';
import { PlaceClaimUseCase } from '../src/use-cases/place-claim/place-claim.use-case';
import { OVERLOADED, SOLD_OUT } from '../src/use-cases/place-claim/refusals';
import { ClaimsService } from './support/claims-service';
import type { Sale } from './support/sale-fixture';

const QUEUED = 8;
/** The statement of one claim, and that of another once the first is late. */
const UNDER_WAY = 2;
const TAKEN = QUEUED + UNDER_WAY;
const RUSH = 40;
const AT_ONCE_MS = 500;

let service: ClaimsService;

beforeAll(async () => {
  service = await ClaimsService.start('claims-overload', { CLAIMS_QUEUED: String(QUEUED), CLAIMS_PER_BATCH: '1' });
});

afterAll(async () => service?.stop());

async function waitingForLocks(): Promise<number> {
  const rows = await service.database.query(
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length;
}

/** The use case without HTTP around it. */
function execute(sale: Sale, buyerId: string): unknown {
  return service.services.app.get(PlaceClaimUseCase, { strict: false }).execute({
    buyerId,
    roundId: sale.roundId,
    idempotencyKey: newUuid(),
    itemId: idFromUuid('item', sale.itemIds[0]!),
    quantity: 1,
    regionCode: 'CN-11',
    expectedTotal: undefined,
    traceparent: undefined,
  });
}

it('refuses by a sold-out flag without a promise', async () => {
  const sale = await service.onSale({ quotas: [1] });
  expect((await service.claim(sale, 'b_first')).status).toBe(201);
  await eventually(async () => {
    expect((await service.claim(sale, 'b_second')).body.code).toBe('sold-out');
    expect(execute(sale, 'b_third')).toEqual({ ok: false, error: SOLD_OUT });
  });
});

it('refuses claims beyond the queue before the gate takes a unit for them, and accepts them later', async () => {
  const sale = await service.onSale({ quotas: [RUSH] });
  const early = (): ReturnType<ClaimsService['claim']> => service.claim(sale, 'b_early', { key: 'key-of-the-early' });
  const first = await early();
  expect(first.status).toBe(201);
  const decider = service.services.app.get(ClaimDecider, { strict: false });
  const gate = service.services.app.get(RedisGate, { strict: false });
  const rush = (from: number, to: number): ReturnType<ClaimsService['claim']>[] =>
    Array.from({ length: to - from }, (_, n) =>
      service.claim(sale, `b_${from + n}`, { key: `key-of-buyer-${from + n}` }),
    );
  let taken: ReturnType<typeof rush> = [];
  await service.database.transaction(async (tx) => {
    await tx.query('select from round_items where item_id = $1 for update', [sale.itemIds[0]]);
    taken = rush(0, UNDER_WAY);
    await eventually(async () => expect(await waitingForLocks()).toBe(UNDER_WAY));
    taken.push(...rush(UNDER_WAY, TAKEN));
    await eventually(() => expect(decider.depth).toBe(QUEUED));
    // The others are refused while those that wait still wait.
    const refusedFrom = performance.now();
    for (const { status, body, headers } of await Promise.all(rush(TAKEN, RUSH))) {
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'overloaded', '1']);
    }
    expect(performance.now() - refusedFrom).toBeLessThan(AT_ONCE_MS);
    // No promise object: a refusal costs no turn of the event loop.
    expect(execute(sale, 'b_direct')).toEqual({ ok: false, error: OVERLOADED });
    const repeated = await early();
    expect([repeated.status, repeated.body.code]).toEqual([503, 'overloaded']);
    const view = await gate.view(sale.seriesId, sale.itemIds[0]!);
    const claimed = TAKEN + 1;
    expect([view!.claimed, view!.pending.length, view!.available]).toEqual([claimed, TAKEN, RUSH - claimed]);
  });
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(taken.map(() => 201));
  const again = await Promise.all(rush(TAKEN, TAKEN + 1));
  expect(again.map(({ status }) => status)).toEqual([201]);
  const repeated = await early();
  expect([repeated.status, repeated.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
  expect(repeated.body).toEqual(first.body);
});
