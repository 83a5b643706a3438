// Ten thousand unpaid units come back at once while the sale goes on.
import { BUYERS, CROWD, DEEP_QUOTA, expectOnly, measureClaims, orderOf, type Reading, type RowKind } from '../row';
import { type BenchSale, createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const UNITS = 10_000;
const LOOK_EVERY_MS = 100;
/** As long as the promise gives the return. */
const MEASURE_MS = 10_000;
const GIVE_UP_MS = 60_000;

export const EXPIRY: readonly RowKind[] = [{ name: `expiry-${UNITS}`, measure: expiry }];

async function expiry(system: BenchSystem): Promise<Reading> {
  const sale = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const load = { clients: CROWD, targets: sale.targets, measureMs: MEASURE_MS };
  await place(system, sale);
  const calm = await measureClaims(system, 'before-expiry', load);
  const returned = expireAndWait(system, sale);
  const [seconds, during] = await Promise.all([
    returned,
    measureClaims(system, `expiry-${UNITS}`, { ...load, warmUpMs: 0 }),
  ]);
  const facts = {
    [`seconds until ${UNITS.toLocaleString('en')} units are back`]: seconds,
    'speed meanwhile / before': during.perSecond / calm.perSecond,
  };
  return { ...during, facts };
}

async function place(system: BenchSystem, { targets }: BenchSale): Promise<void> {
  const load = { clients: CROWD, targets, services: [system.services.orders], warmUpMs: 0, measureMs: 2_000 };
  for (let placed = 0; placed < UNITS;) {
    const result = await system.crowd.run(orderOf(system, { ...load, firstBuyer: placed % BUYERS }), []);
    expectOnly(result, '201');
    placed += result.count;
  }
}

/** Makes the units' time run out now; resolves with the seconds until Postgres and the gate have all of them back. */
async function expireAndWait({ database }: BenchSystem, { itemUuids }: BenchSale): Promise<number> {
  const { rows } = await database.query<{ order_id: string }>(
    `update orders set expires_at = clock_timestamp() where order_id in (
       select order_id from orders where item_id = $1 and status = 'AWAITING_PAYMENT' order by order_id limit $2)
     returning order_id`,
    [itemUuids[0], UNITS],
  );
  const startedAt = performance.now();
  const ids = rows.map(({ order_id: id }) => id);
  for (;;) {
    const { rows: left } = await database.query<{ waiting: boolean }>(
      `select exists (select 1 from orders where order_id = any($1::uuid[]) and status = 'AWAITING_PAYMENT')
         or exists (select 1 from gate_returns where item_id = $2) as waiting`,
      [ids, itemUuids[0]],
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    if (!left[0]!.waiting) return seconds;
    if (seconds * 1_000 > GIVE_UP_MS) throw new Error(`units were not back after ${GIVE_UP_MS / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
