// Ten thousand unpaid orders expire at once during a sale.
import { sleep } from '@gravity/kernel';
import { BUYERS, CLIENTS, DEEP_QUOTA, expectOnly, measureClaims, orderOf, type Reading, type RowKind } from '../row';
import { EXPIRY_FACTS } from '../report';
import { type BenchSale, createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const UNITS = 10_000;
const POLL_MS = 100;
/** The promised bound for the release of the units. */
const MEASURE_MS = 10_000;
/** The load is running when the orders expire. */
const EXPIRES_IN_MS = 3_000;
const TIMEOUT_SECONDS = 60;

export const EXPIRY: readonly RowKind[] = [{ name: `expiry-${UNITS}`, measure: expiry }];

async function expiry(system: BenchSystem): Promise<Reading> {
  const sale = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const load = { clients: CLIENTS, targets: sale.targets, measureMs: MEASURE_MS };
  await placeOrders(system, sale);
  const before = await measureClaims(system, 'before-expiry', load);
  const atMs = await expireSoon(system, sale);
  const [seconds, during] = await Promise.all([
    untilReleased(system, sale, atMs),
    measureClaims(system, `expiry-${UNITS}`, { ...load, warmUpMs: EXPIRES_IN_MS }),
  ]);
  const facts = {
    [EXPIRY_FACTS.seconds]: seconds,
    [EXPIRY_FACTS.speed]: during.perSecond / before.perSecond,
  };
  return { ...during, facts };
}

async function placeOrders(system: BenchSystem, { targets }: BenchSale): Promise<void> {
  const load = { clients: CLIENTS, targets, services: [system.services.orders], warmUpMs: 0, measureMs: 2_000 };
  for (let placed = 0; placed < UNITS;) {
    const result = await system.loadGenerator.run(orderOf(system, { ...load, firstBuyer: placed % BUYERS }), []);
    expectOnly(result, '201');
    placed += result.count;
  }
}

/** Makes the orders expire soon. Returns the instant in milliseconds, by the clock of Postgres. */
async function expireSoon({ database }: BenchSystem, { itemUuids }: BenchSale): Promise<number> {
  const { rows } = await database.query<{ at_ms: number }>(
    `with due as (select clock_timestamp() + $3 * interval '1 millisecond' as at),
     shortened as (
       update orders set expires_at = due.at from due where order_id in (
         select order_id from orders where item_id = $1 and status = 'AWAITING_PAYMENT' order by order_id limit $2))
     select extract(epoch from at)::float8 * 1000 as at_ms from due`,
    [itemUuids[0], UNITS, EXPIRES_IN_MS],
  );
  return rows[0]!.at_ms;
}

/** Seconds from the expiry until Postgres has closed all expired orders and the gate has their units. */
async function untilReleased({ database }: BenchSystem, { itemUuids }: BenchSale, atMs: number): Promise<number> {
  for (;;) {
    const { rows } = await database.query<{ waiting: boolean; seconds: number }>(
      `select extract(epoch from clock_timestamp())::float8 - $1::float8 / 1000 as seconds,
         exists (select 1 from orders where status = 'AWAITING_PAYMENT' and expires_at <= to_timestamp($1::float8 / 1000))
         or exists (select 1 from gate_returns where item_id = $2) as waiting`,
      [atMs, itemUuids[0]],
    );
    const { waiting, seconds } = rows[0]!;
    if (seconds > 0 && !waiting) return seconds;
    if (seconds > TIMEOUT_SECONDS) throw new Error(`units were not released after ${TIMEOUT_SECONDS} s`);
    await sleep(POLL_MS);
  }
}
