// After all faults are healed: checks that the system comes to rest by itself, and that the stores agree with every answer
// to a buyer. All checks are SQL that does not use the services.
import { checkPromises, type ClaimRecord, eventually, EventProbe, type FaultSale, settled } from '@gravity/testing';
import { type Books, openBook } from '../demo/checks/facts';
import { checkNeverOversold } from '../demo/checks/never-oversold';
import { checkOnce } from '../demo/checks/once';
import { atRest, type Unsettled, waitUntilSettled } from '../demo/settling';
import { type Crowd, WIN_LIMIT } from './crowd';
import { wrongDeadLetters } from './faults/consumers';
import type { World } from './world';

export interface Violation {
  readonly promise: 'P1' | 'P2' | 'P3' | 'P4' | 'P7' | 'P8' | 'liveness';
  readonly what: string;
  /** Only time was missing: on a busy machine this proves nothing. */
  readonly late?: boolean;
}

export interface Judgement {
  readonly violations: readonly Violation[];
  /** How many facts were checked. */
  readonly checked: number;
  /** How long the system took to come to rest, and how long each kind of work was under way, in seconds. */
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
/** The longest wait for the next inquiry about an order. Inquiries that are later come too, but no run lasts that long. */
const LAST_QUESTION_WITHIN_MS = 240_000;
const AGREE_WITHIN_MS = 60_000;
const PUBLISHED_WITHIN_MS = 60_000;
const SHOWN_PER_CHECK = 20;

/** Resolves with all violations, and how many facts were checked. */
export async function judge(world: World, crowd: Crowd, options: JudgeOptions = {}): Promise<Judgement> {
  const { agreeWithinMs = AGREE_WITHIN_MS, publishedWithinMs = PUBLISHED_WITHIN_MS } = options;
  const violations: Violation[] = [];
  const note = (promise: Violation['promise'], found: readonly string[], late = false): void => {
    violations.push(...found.slice(0, SHOWN_PER_CHECK).map((what) => ({ promise, what, ...(late ? { late } : {}) })));
  };
  const { cluster } = world;
  const orders = await openBook(cluster.databaseUrl('orders'));
  const payments = await openBook(cluster.databaseUrl('payments_sandbox'));
  let checked = 0;
  try {
    const restWithinMs = options.restWithinMs ?? REST_WITHIN_MS + (await nextQuestionMs(orders));
    const { left, rest } = await comeToRest(orders, payments, restWithinMs);
    // Work that is still under way may also keep the gate and Kafka from being complete.
    const late = !atRest(left);
    if (late) note('liveness', [`not at rest: ${JSON.stringify(left)}; still to do: ${await stillToDo(orders)}`], late);
    note('P3', await agreement(world, crowd.sales, agreeWithinMs), late);
    const roundIds = crowd.sales.map(({ roundId }) => roundId);
    const report = await checkPromises(orders, crowd.history, { roundIds });
    checked += Object.values(report.checked).reduce((sum, count) => sum + count, 0);
    for (const { promise, what } of report.violations.slice(0, SHOWN_PER_CHECK)) note(promise, [what]);
    note('P2', takenBack(crowd.history.records));
    note('P7', crowd.leaks);
    for (const sale of crowd.sales) {
      const books: Books = { orders, payments, roundId: sale.roundUuid, seriesId: sale.seriesUuid };
      const [sold, once] = [await checkNeverOversold(books), await checkOnce(books, WIN_LIMIT)];
      checked += sold.checked + once.checked;
      note('P1', sold.violations);
      note('P4', once.violations);
    }
    const published = await checkPublished(orders, cluster.kafka.url, publishedWithinMs);
    checked += published.checked;
    note('P4', published.violations, late);
    note('P4', await checkSnapshots(cluster.databaseUrl('catalog'), orders, publishedWithinMs), late);
    note('P4', await wrongDeadLetters(world));
    note('P8', await rebuilt(world, crowd.sales, agreeWithinMs), late);
    return { violations, checked, rest };
  } finally {
    await Promise.all([orders.end(), payments.end()]);
  }
}

/** Waits for rest, and counts for how many seconds each kind of work was open. */
async function comeToRest(
  orders: OrdersBook,
  payments: OrdersBook,
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
async function nextQuestionMs(orders: OrdersBook): Promise<number> {
  const { rows } = await orders.query<{ ms: number }>(
    `select greatest(0, coalesce(max(extract(epoch from next_check_at - now()) * 1000), 0))::int as ms
     from orders where status = 'AWAITING_PAYMENT'`,
  );
  return Math.min(rows[0]?.ms ?? 0, LAST_QUESTION_WITHIN_MS);
}

/** When the orders that are still held are checked next, in seconds from now. */
async function stillToDo(orders: OrdersBook): Promise<string> {
  const { rows } = await orders.query(
    `select check_attempts as asked, extract(epoch from next_check_at - now())::int as "nextIn",
       extract(epoch from now() - expires_at)::int as "expiredFor", count(*)::int as orders
     from orders where status = 'AWAITING_PAYMENT' group by 1, 2, 3 order by 3 limit 5`,
  );
  return JSON.stringify(rows);
}

type OrdersBook = Books['orders'];

/** The gate and Postgres agree on every item. */
async function agreement(world: World, sales: readonly FaultSale[], withinMs: number): Promise<string[]> {
  try {
    await settled(world.cluster, sales, withinMs);
    return [];
  } catch (error) {
    return [(error as Error).message.split('\n')[0]!.slice(0, 1_000)];
  }
}

/** The gate can be thrown away: the rebuilt one agrees with Postgres (P8). */
async function rebuilt(world: World, sales: readonly FaultSale[], withinMs: number): Promise<string[]> {
  await world.cluster.redis.flush();
  return (await agreement(world, sales, withinMs)).map((what) => `after Redis was emptied at rest: ${what}`);
}

/** Buyers who were told that they have an order, and were refused later. */
function takenBack(records: readonly ClaimRecord[]): string[] {
  return records.flatMap(({ wish, attempts }) => {
    const won = attempts.find(({ outcome }) => outcome.kind === 'ok');
    if (won === undefined) return [];
    const denied = attempts.find(({ outcome, sentAtMs }) => outcome.kind === 'refused' && sentAtMs > won.answeredAtMs);
    if (denied === undefined) return [];
    return [`${wish.buyerId} under ${wish.key} was accepted, and later answered ${JSON.stringify(denied.outcome)}`];
  });
}

/** The snapshot of each SKU in orders is the latest state of the catalogue: every event took effect. */
async function checkSnapshots(catalogUrl: string, orders: OrdersBook, withinMs: number): Promise<string[]> {
  const catalog = await openBook(catalogUrl);
  try {
    const last = async (book: OrdersBook, text: string): Promise<string> => {
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
  orders: OrdersBook,
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
