// P3: no unit is lost. The counters add up, the gate in Redis offers exactly the units that Postgres has, and no unit is
// stranded between the two.
import { Redis } from 'ioredis';
import { gateKeys } from '../../../apps/orders/src/gate/gate-scripts';
import {
  type SaleDatabases,
  Inspection,
  type ItemRow,
  type OrderRow,
  readItems,
  readOrders,
  type Verdict,
} from './facts';

const REDIS_WITHIN_MS = 5_000;

interface Gate {
  readonly available: number;
  readonly cooling: number;
  readonly pending: number;
}

export async function checkConservedUnits(databases: SaleDatabases, redisUrl: string): Promise<Verdict> {
  const inspection = new Inspection();
  const items = await readItems(databases);
  const orders = await readOrders(databases);
  const onSale = await isOnSale(databases);
  const redis = new Redis(redisUrl, {
    connectTimeout: REDIS_WITHIN_MS,
    commandTimeout: REDIS_WITHIN_MS,
    maxRetriesPerRequest: 1,
  });
  try {
    for (const item of items) {
      checkLedger(
        inspection,
        item,
        orders.filter((order) => order.item_id === item.item_id),
      );
      if (onSale) checkGate(inspection, item, await readGate(redis, databases.seriesId, item.item_id));
    }
  } finally {
    redis.disconnect();
  }
  await checkNothingStranded(inspection, databases);
  return inspection.verdict;
}

/** Each order takes units. Units that are not released, and units taken again for a late payment, are held or sold. */
function checkLedger(inspection: Inspection, item: ItemRow, orders: readonly OrderRow[]): void {
  const units = (of: readonly OrderRow[]): number => of.reduce((sum, order) => sum + order.quantity, 0);
  const closed = orders.filter((order) => order.closed_at !== null);
  const available = item.quota - item.held - item.sold - item.written_off;
  inspection.expect(available >= 0, () => `item ${item.item_id}: ${available} units available`);
  const taken = units(orders) - units(closed) + units(closed.filter((order) => order.status === 'PAID'));
  inspection.expect(
    taken === item.held + item.sold,
    () => `item ${item.item_id}: orders have ${taken} units, the counters ${item.held + item.sold}`,
  );
  inspection.expect(
    item.released === units(closed),
    () => `item ${item.item_id}: orders released ${units(closed)}, the counter says ${item.released}`,
  );
}

function checkGate(inspection: Inspection, item: ItemRow, gate: Gate | undefined): void {
  const available = item.quota - item.held - item.sold - item.written_off;
  // Cooling units count: the gate offers them again later.
  const offered = gate === undefined ? undefined : gate.available + gate.cooling;
  inspection.expect(
    offered === available,
    () => `item ${item.item_id}: Postgres has ${available} units, the gate ${offered ?? 'is missing'}`,
  );
  inspection.expect(
    (gate?.pending ?? 0) === 0,
    () => `item ${item.item_id}: ${gate?.pending} claims stranded in the gate`,
  );
}

async function checkNothingStranded(inspection: Inspection, { orders, roundId }: SaleDatabases): Promise<void> {
  const { rows } = await orders.query<{ returns: number; waiting: number }>(
    `select (select count(*)::int from gate_returns r join round_items i using (item_id) where i.round_id = $1) as returns,
            (select count(*)::int from orders where round_id = $1 and status = 'AWAITING_PAYMENT' and expires_at < now()) as waiting`,
    [roundId],
  );
  const [left] = rows;
  inspection.expect(left?.returns === 0, () => `${left?.returns} units are not yet back in the gate`);
  inspection.expect(left?.waiting === 0, () => `${left?.waiting} orders have expired and still hold their units`);
}

/** A round that has ended is not in the gate: its remaining units are written off, and only Postgres has its counters. */
async function isOnSale({ orders, roundId }: SaleDatabases): Promise<boolean> {
  const { rows } = await orders.query<{ status: string }>('select status from rounds where round_id = $1', [roundId]);
  return rows[0]?.status === 'OPEN' || rows[0]?.status === 'SOLD_OUT';
}

async function readGate(redis: Redis, seriesId: string, itemId: string): Promise<Gate | undefined> {
  const [, , item = '', , pending = ''] = gateKeys(seriesId, itemId);
  const [available, cooling] = await redis.hmget(item, 'available', 'cooling');
  if (available === null || available === undefined) return undefined;
  return { available: Number(available), cooling: Number(cooling ?? 0), pending: await redis.zcard(pending) };
}
