// Checks after all faults are healed: the system comes to rest, and the stores agree with every answer to a buyer.
// All checks are SQL, without the services.
import { checkPromises, type ClaimRecord, eventually, EventProbe, type FaultSale, settled } from '@gravity/testing';
import { type SaleDatabases, connectReader } from '../demo/checks/facts';
import { checkNeverOversold } from '../demo/checks/never-oversold';
import { checkOnce } from '../demo/checks/once';
import { atRest, type Unsettled, waitUntilSettled } from '../demo/settling';
import { type Buyers, WIN_LIMIT } from './buyers';
import { wrongDeadLetters } from './faults/consumers';
import type { World } from './world';

export interface Violation {
  readonly promise: 'P1' | 'P2' | 'P3' | 'P4' | 'P7' | 'P8' | 'liveness';
  readonly what: string;
  /** Only the deadline was missed. On a busy machine this proves nothing. */
  readonly late?: boolean;
}

export interface Judgement {
  readonly violations: readonly Violation[];
  /** How many facts were checked. */
  readonly checked: number;
  /** Seconds until the system came to rest, and until each kind of work was done. */
  readonly rest: Readonly<Record<string, number>>;
}

export interface JudgeOptions {
  /** Time for the system to come to rest after the last healing, ms. */
  readonly restWithinMs?: number;
  /** Time for the gate to agree with Postgres afterwards, ms. */
  readonly agreeWithinMs?: number;
  /** Time for Kafka and the snapshots of SKUs to become complete, ms. */
  readonly publishedWithinMs?: number;
}

const REST_WITHIN_MS = 150_000;
/** The longest wait for the next inquiry about an order; later inquiries are not waited for. */
const INQUIRY_WAIT_MAX_MS = 240_000;
const AGREE_WITHIN_MS = 60_000;
const PUBLISHED_WITHIN_MS = 60_000;
const SHOWN_PER_CHECK_MAX = 20;

/** Resolves with all violations, and how many facts were checked. */
export async function judge(world: World, buyers: Buyers, options: JudgeOptions = {}): Promise<Judgement> {
  const { agreeWithinMs = AGREE_WITHIN_MS, publishedWithinMs = PUBLISHED_WITHIN_MS } = options;
  const violations: Violation[] = [];
  const note = (promise: Violation['promise'], found: readonly string[], late = false): void => {
    violations.push(
      ...found.slice(0, SHOWN_PER_CHECK_MAX).map((what) => ({ promise, what, ...(late ? { late } : {}) })),
    );
  };
  const { cluster } = world;
  const orders = await connectReader(cluster.databaseUrl('orders'));
  const payments = await connectReader(cluster.databaseUrl('payments_sandbox'));
  let checked = 0;
  try {
    const restWithinMs = options.restWithinMs ?? REST_WITHIN_MS + (await nextInquiryMs(orders));
    const { left, rest } = await comeToRest(orders, payments, restWithinMs);
    // Open work may also keep the gate and Kafka from being complete.
    const late = !atRest(left);
    if (late)
      note('liveness', [`not at rest: ${JSON.stringify(left)}; next checks: ${await nextChecks(orders)}`], late);
    note('P3', await agreement(world, buyers.sales, agreeWithinMs), late);
    const roundIds = buyers.sales.map(({ roundId }) => roundId);
    const report = await checkPromises(orders, buyers.history, { roundIds });
    checked += Object.values(report.checked).reduce((sum, count) => sum + count, 0);
    for (const { promise, what } of report.violations.slice(0, SHOWN_PER_CHECK_MAX)) note(promise, [what]);
    note('P2', acceptedThenRefused(buyers.history.records));
    note('P7', buyers.leaks);
    for (const sale of buyers.sales) {
      const databases: SaleDatabases = { orders, payments, roundId: sale.roundUuid, seriesId: sale.seriesUuid };
      const [sold, once] = [await checkNeverOversold(databases), await checkOnce(databases, WIN_LIMIT)];
      checked += sold.checked + once.checked;
      note('P1', sold.violations);
      note('P4', once.violations);
    }
    const published = await checkPublished(orders, cluster.kafka.url, publishedWithinMs);
    checked += published.checked;
    note('P4', published.violations, late);
    note('P4', await checkSnapshots(cluster.databaseUrl('catalog'), orders, publishedWithinMs), late);
    note('P4', await wrongDeadLetters(world));
    note('P8', await rebuilt(world, buyers.sales, agreeWithinMs), late);
    return { violations, checked, rest };
  } finally {
    await Promise.all([orders.end(), payments.end()]);
  }
}

/** Waits for rest, and measures for how many seconds each kind of work was open. */
async function comeToRest(
  orders: Reader,
  payments: Reader,
  withinMs: number,
): Promise<{ readonly left: Unsettled; readonly rest: Record<string, number> }> {
  const started = performance.now();
  const openUntil = new Map<string, number>();
  const left = await waitUntilSettled(orders, payments, withinMs, (now) => {
    const seconds = Math.round((performance.now() - started) / 1_000);
    for (const [what, open] of Object.entries(now)) if (open > 0) openUntil.set(what, seconds);
  });
  const total = Math.round((performance.now() - started) / 1_000);
  return { left, rest: { ...Object.fromEntries(openUntil), total } };
}

/** After an outage of the provider, inquiries about an order back off; the next one may be minutes away. */
async function nextInquiryMs(orders: Reader): Promise<number> {
  const { rows } = await orders.query<{ ms: number }>(
    `select greatest(0, coalesce(max(extract(epoch from next_check_at - now()) * 1000), 0))::int as ms
     from orders where status = 'AWAITING_PAYMENT'`,
  );
  return Math.min(rows[0]?.ms ?? 0, INQUIRY_WAIT_MAX_MS);
}

/** When the orders that are still held are checked next, in seconds from now. */
async function nextChecks(orders: Reader): Promise<string> {
  const { rows } = await orders.query(
    `select check_attempts as asked, extract(epoch from next_check_at - now())::int as "nextIn",
       extract(epoch from now() - expires_at)::int as "expiredFor", count(*)::int as orders
     from orders where status = 'AWAITING_PAYMENT' group by 1, 2, 3 order by 3 limit 5`,
  );
  return JSON.stringify(rows);
}

type Reader = SaleDatabases['orders'];

/** The gate and Postgres agree on every item. */
async function agreement(world: World, sales: readonly FaultSale[], withinMs: number): Promise<string[]> {
  try {
    await settled(world.cluster, sales, withinMs);
    return [];
  } catch (error) {
    return [(error as Error).message.split('\n')[0]!.slice(0, 1_000)];
  }
}

/** The gate is emptied; the rebuilt gate agrees with Postgres (P8). */
async function rebuilt(world: World, sales: readonly FaultSale[], withinMs: number): Promise<string[]> {
  await world.cluster.redis.flush();
  return (await agreement(world, sales, withinMs)).map((what) => `after Redis was emptied at rest: ${what}`);
}

/** Claims that were accepted and refused later. */
function acceptedThenRefused(records: readonly ClaimRecord[]): string[] {
  return records.flatMap(({ wish, attempts }) => {
    const won = attempts.find(({ outcome }) => outcome.kind === 'ok');
    if (won === undefined) return [];
    const refused = attempts.find(({ outcome, sentAtMs }) => outcome.kind === 'refused' && sentAtMs > won.answeredAtMs);
    if (refused === undefined) return [];
    return [`${wish.buyerId} under ${wish.key} was accepted, and later answered ${JSON.stringify(refused.outcome)}`];
  });
}

/** The snapshot of each SKU in orders is the latest state of the catalogue: every event took effect. */
async function checkSnapshots(catalogUrl: string, orders: Reader, withinMs: number): Promise<string[]> {
  const catalog = await connectReader(catalogUrl);
  try {
    const last = async (book: Reader, text: string): Promise<string> => {
      const { rows } = await book.query<{ sku: string; version: string }>(text);
      return rows.map(({ sku, version }) => `${sku} ${version}`).join(', ');
    };
    const skus = await last(catalog, 'select id::text as sku, version::text from skus order by id');
    const known = 'select sku_id::text as sku, sequence::text as version from sku_snapshots order by sku_id';
    await eventually(
      async () => {
        if ((await last(orders, known)) !== skus) throw new Error('snapshots are behind');
      },
      { withinMs },
    ).catch(() => undefined);
    const snapshots = await last(orders, known);
    return snapshots === skus ? [] : [`SKUs in the catalogue: ${skus}; as orders knows them: ${snapshots}`];
  } finally {
    await catalog.end();
  }
}

interface Row {
  readonly event_id: string;
  readonly topic: string;
  readonly key: string;
}

/** Every row of the outbox has reached Kafka. The first copies are in order within each key. */
async function checkPublished(
  orders: Reader,
  brokers: string,
  withinMs: number,
): Promise<{ readonly checked: number; readonly violations: string[] }> {
  const { rows } = await orders.query<Row>('select event_id::text, topic, key from outbox order by id');
  const topics = [...new Set(rows.map(({ topic }) => topic))];
  if (topics.length === 0) return { checked: 0, violations: [] };
  const probe = await EventProbe.start({ brokers, topics });
  const arrived = (): Map<string, string[]> => {
    const byKey = new Map<string, Set<string>>();
    for (const { key, headers } of probe.events) {
      const ids = byKey.get(key) ?? new Set();
      byKey.set(key, ids.add(headers['ce_id'] ?? ''));
    }
    return new Map([...byKey].map(([key, ids]) => [key, [...ids]]));
  };
  try {
    const written = new Map<string, string[]>();
    for (const { key, event_id: id } of rows) written.set(key, [...(written.get(key) ?? []), id]);
    const different = (): string[] => {
      const there = arrived();
      return [...written]
        .filter(([key, ids]) => there.get(key)?.join() !== ids.join())
        .map(([key, ids]) => `events of ${key}: written ${ids.join()}, in Kafka ${there.get(key)?.join() ?? 'none'}`);
    };
    await eventually(
      async () => {
        if (different().length > 0) throw new Error('events are missing');
      },
      { withinMs },
    ).catch(() => undefined);
    return { checked: rows.length, violations: different() };
  } finally {
    await probe.close();
  }
}
