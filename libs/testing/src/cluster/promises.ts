// Compares the answers of buyers with the stores: the promises P1–P4, by SQL past the services.
import { idFromUuid, uuidFromId, uuidFromParts } from '@gravity/kernel';
import type { ClaimHistory, ClaimRecord } from './history';

/** Runs SQL on the orders database, for instance a pg client. */
export interface SqlClient {
  /** Runs one statement with `$1`-style parameters; rejects with the driver's error. */
  query(text: string, params?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

export type PromiseName = 'P1' | 'P2' | 'P3' | 'P4';

export interface PromiseReport {
  readonly ok: boolean;
  /** Number of checked facts, by promise. */
  readonly checked: Readonly<Record<PromiseName, number>>;
  /** One sentence each, for the reader of the report. */
  readonly violations: readonly { readonly promise: PromiseName; readonly what: string }[];
}

/** One item in the answer of `GET …/conservation`. */
export interface ConservationItem {
  readonly itemId: string;
  readonly postgres: Readonly<Record<'quota' | 'available' | 'held' | 'sold' | 'writtenOff', number>>;
  readonly gate: { readonly state: string; readonly available: number; readonly pending: number } | null;
  readonly gateAbsence?: string;
  readonly exact: boolean;
  readonly ok: boolean;
}

export interface PromiseOptions {
  /** The rounds to check, by wire id. */
  readonly roundIds: readonly string[];
  /**
   * Answers of the conservation route for these rounds, taken after settling. Without them, P3 is checked by SQL alone.
   */
  readonly conservation?: readonly ConservationItem[];
  /** Accepts orders without a wish in the history: other clients buy too. Default false. */
  readonly otherClients?: boolean;
}

class Findings {
  readonly checked: Record<PromiseName, number> = { P1: 0, P2: 0, P3: 0, P4: 0 };
  readonly violations: { promise: PromiseName; what: string }[] = [];

  /** Counts one fact, and notes a violation when it does not hold. */
  expect(promise: PromiseName, holds: boolean, what: () => string): void {
    this.checked[promise] += 1;
    if (!holds) this.violations.push({ promise, what: what() });
  }
}

interface OrderFacts {
  readonly order_id: string;
  readonly claim_id: string;
  readonly buyer_id: string;
  readonly item_id: string;
  readonly series_id: string;
  readonly quantity: number;
  readonly total_minor: string;
  readonly status: string;
}

/** Checks all promises. Throws only when the database does not answer. */
export async function checkPromises(
  client: SqlClient,
  history: ClaimHistory,
  options: PromiseOptions,
): Promise<PromiseReport> {
  const rounds = options.roundIds.map((id) => uuidFromId('round', id));
  const records = history.records.filter((record) => options.roundIds.includes(record.wish.roundId));
  const found = new Findings();
  const { rows } = await client.query(
    `select order_id::text, claim_id::text, buyer_id, item_id::text, series_id::text, quantity, total_minor::text, status
     from orders where round_id = any($1::uuid[])`,
    [rounds],
  );
  const orders = new Map((rows as unknown as OrderFacts[]).map((order) => [order.claim_id, order]));
  await checkCounters(client, rounds, found);
  checkAnswers(records, orders, found);
  checkConservation(options.conservation ?? [], found);
  checkWishes(records, orders, options.otherClients === true, found);
  await checkOnce(client, rounds, orders, found);
  return { ok: found.violations.length === 0, checked: found.checked, violations: found.violations };
}

/** The report as text, with the counts of the history. */
export function describePromises(report: PromiseReport, history: ClaimHistory): string {
  const shown = report.violations.slice(0, 30).map(({ promise, what }) => `${promise}: ${what}`);
  const more = report.violations.length > shown.length ? [`… and ${report.violations.length - shown.length} more`] : [];
  const facts = Object.entries(report.checked).map(([name, count]) => `${name} ${count}`);
  return [...shown, ...more, `checked: ${facts.join(', ')}`, `heard: ${JSON.stringify(history.summary())}`].join('\n');
}

/** P1 and the sums of P3: no counter beyond the quota, and every counter is the sum of its orders. */
async function checkCounters(
  client: SqlClient,
  rounds: readonly (string | undefined)[],
  found: Findings,
): Promise<void> {
  const { rows } = await client.query(
    `select i.item_id::text as item, i.quota, i.held, i.sold, i.written_off, i.per_buyer_limit,
       coalesce(sum(o.quantity) filter (where o.status = 'AWAITING_PAYMENT'), 0)::int as orders_held,
       coalesce(sum(o.quantity) filter (where o.status = 'PAID'), 0)::int as orders_sold
     from round_items i left join orders o using (item_id) where i.round_id = any($1::uuid[]) group by i.item_id`,
    [rounds],
  );
  for (const row of rows as unknown as Record<string, number>[]) {
    const { item, quota = 0, held = 0, sold = 0, written_off: writtenOff = 0 } = row;
    found.expect(
      'P1',
      held + sold + writtenOff <= quota,
      () => `item ${item}: ${held} held + ${sold} sold + ${writtenOff} written off > ${quota}`,
    );
    found.expect(
      'P1',
      held === row['orders_held'],
      () => `item ${item}: ${held} held, orders hold ${row['orders_held']}`,
    );
    found.expect(
      'P1',
      sold === row['orders_sold'],
      () => `item ${item}: ${sold} sold, orders sold ${row['orders_sold']}`,
    );
  }
}

/** P2: an acknowledged order exists as acknowledged, and no wish has two different answers. */
function checkAnswers(records: readonly ClaimRecord[], orders: ReadonlyMap<string, OrderFacts>, found: Findings): void {
  for (const { wish, attempts } of records) {
    const accepted = attempts.flatMap(({ outcome }) => (outcome.kind === 'ok' ? [outcome] : []));
    const name = `${wish.buyerId} under ${wish.key}`;
    for (const { outcome, target } of attempts) {
      const failed = outcome.kind === 'later' && outcome.status === 500;
      found.expect('P2', !failed, () => `${name} heard a 500 from ${target}`);
    }
    const [first] = accepted;
    if (first === undefined) continue;
    for (const other of accepted) {
      found.expect('P2', other.body === first.body, () => `${name} heard two answers: ${first.body} and ${other.body}`);
    }
    const order = orders.get(claimIdOf(wish.buyerId, wish.key));
    if (order === undefined) {
      found.expect('P2', false, () => `${name} was told ${first.orderId}, which does not exist`);
      continue;
    }
    const told = [first.orderId, wish.buyerId, wish.itemId, wish.quantity, String(first.totalMinor)].join(' ');
    const stored = [
      idFromUuid('order', order.order_id),
      order.buyer_id,
      idFromUuid('item', order.item_id),
      order.quantity,
      order.total_minor,
    ];
    found.expect('P2', stored.join(' ') === told, () => `${name} was told ${told}, stored is ${stored.join(' ')}`);
  }
}

/** P3: after settling, every unit is in one place, and the gate agrees with Postgres. */
function checkConservation(items: readonly ConservationItem[], found: Findings): void {
  for (const { itemId, postgres, gate, gateAbsence, ok } of items) {
    const { quota, available, held, sold, writtenOff } = postgres;
    const sum = available + held + sold + writtenOff;
    found.expect('P3', sum === quota, () => `item ${itemId}: ${sum} units of ${quota}`);
    found.expect('P3', ok, () => `item ${itemId}: the service itself reports drift`);
    if (gate === null) {
      found.expect('P3', gateAbsence === 'not-on-sale', () => `item ${itemId} has no gate: ${gateAbsence}`);
      continue;
    }
    found.expect(
      'P3',
      gate.available === available,
      () => `item ${itemId}: the gate offers ${gate.available}, Postgres has ${available}`,
    );
    found.expect('P3', gate.pending === 0, () => `item ${itemId}: ${gate.pending} units are stranded at the gate`);
    found.expect('P3', gate.state === 'open', () => `item ${itemId}: the gate is ${gate.state}`);
  }
}

/** P4, by wish: no order without a request, and none for a wish whose answers are all refusals. */
function checkWishes(
  records: readonly ClaimRecord[],
  orders: ReadonlyMap<string, OrderFacts>,
  otherClients: boolean,
  found: Findings,
): void {
  const wished = new Set<string>();
  for (const { wish, attempts } of records) {
    const claimId = claimIdOf(wish.buyerId, wish.key);
    wished.add(claimId);
    const kinds = new Set(attempts.map(({ outcome }) => outcome.kind));
    // Without a definite answer, both outcomes are possible.
    const onlyRefused = kinds.has('refused') && !kinds.has('ok') && !kinds.has('unknown') && !kinds.has('later');
    found.expect(
      'P4',
      !(onlyRefused && orders.has(claimId)),
      () => `${wish.buyerId} under ${wish.key} was refused and has an order`,
    );
  }
  if (otherClients) return;
  for (const order of orders.values()) {
    found.expect('P4', wished.has(order.claim_id), () => `order ${order.order_id} was never asked for`);
  }
}

/** P4, by effect: limits kept, wins counted, one placed event per order, money moved once. */
async function checkOnce(
  client: SqlClient,
  rounds: readonly (string | undefined)[],
  orders: ReadonlyMap<string, OrderFacts>,
  found: Findings,
): Promise<void> {
  const queries: readonly [string, (row: Record<string, unknown>) => string][] = [
    [
      `select o.buyer_id, o.item_id, sum(o.quantity) as units from orders o join round_items i using (item_id)
       where o.round_id = any($1::uuid[]) and o.status in ('AWAITING_PAYMENT', 'PAID')
       group by o.buyer_id, o.item_id, i.per_buyer_limit having sum(o.quantity) > i.per_buyer_limit`,
      (row) => `${row['buyer_id']} holds ${row['units']} units of item ${row['item_id']}, more than one buyer may`,
    ],
    [
      `select o.series_id, o.buyer_id, count(*) as live, coalesce(max(w.wins), 0) as wins from orders o
       join rounds r using (round_id) left join series_wins w on w.series_id = o.series_id and w.buyer_id = o.buyer_id
       where o.round_id = any($1::uuid[]) and r.win_limit is not null and o.status in ('AWAITING_PAYMENT', 'PAID')
       group by o.series_id, o.buyer_id, r.win_limit
       having count(*) > r.win_limit or count(*) <> coalesce(max(w.wins), 0)`,
      (row) => `${row['buyer_id']} has ${row['live']} live orders in the series and ${row['wins']} wins counted`,
    ],
    [
      `select o.order_id, o.quantity, count(p.*) as intents from orders o left join payment_intents p on p.order_id = o.order_id and p.status = 'PAID'
       where o.round_id = any($1::uuid[]) and o.status = 'PAID' group by o.order_id, o.total_minor
       having count(p.*) <> case when o.total_minor = 0 then 0 else 1 end`,
      (row) => `order ${row['order_id']} is paid by ${row['intents']} payments`,
    ],
    [
      `select o.order_id, sum(f.amount_minor) as refunded from orders o join refunds f using (order_id)
       where o.round_id = any($1::uuid[]) group by o.order_id, o.total_minor having sum(f.amount_minor) > o.total_minor`,
      (row) => `order ${row['order_id']} has ${row['refunded']} refunded, more than it cost`,
    ],
  ];
  for (const [text, what] of queries) {
    const { rows } = await client.query(text, [rounds]);
    found.expect('P4', rows.length === 0, () => rows.map(what).join('; '));
  }
  const keys = [...orders.values()].map((order) => idFromUuid('order', order.order_id));
  const { rows } = await client.query(
    `select k.key, count(o.*) filter (where o.type = 'orders.order.placed.v1') as placed,
       count(o.*) filter (where o.type = 'orders.order.paid.v1') as paid
     from unnest($1::text[]) as k(key) left join outbox o on o.key = k.key group by k.key`,
    [keys],
  );
  for (const row of rows) {
    found.expect('P4', Number(row['placed']) === 1, () => `order ${row['key']} is announced ${row['placed']} times`);
    found.expect('P4', Number(row['paid']) <= 1, () => `order ${row['key']} is announced as paid ${row['paid']} times`);
  }
}

function claimIdOf(buyerId: string, key: string): string {
  return uuidFromParts('claim', buyerId, key);
}
