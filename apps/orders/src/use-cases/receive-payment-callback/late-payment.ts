// One round of the late path: the gate is asked for a unit, Postgres decides under its locks, the gate gets the
// verdict.
//
// If the process dies after the gate gave a unit, the gate's note stays pending and its sweeper finds either the row in
// `late_payments` or nothing, and settles accordingly; the callback is delivered again, and the claim id is the same.
import { sleep } from '@gravity/kernel';
import type { Database, Tx } from '@gravity/persistence';
import { type LatePaymentFacts, decideLatePayment } from '../../domain/late-payment';
import { decidePaymentSucceeded } from '../../domain/order';
import type { GateControl, LateAdmission } from '../../gate/gate-control';
import { type Charge, honourLate, lateClaimId, refundLate } from '../../order-changes';
import { type LoadedOrder, moneyOf } from '../../storage/order-rows';
import { loadOrders, lockOrders, writeChanges } from '../../storage/order-writer';
import type { SettleOutcome } from './settle-outcome';

/** A returned unit rests in the gate for 200 ms (SOLD_OUT_FLAG_MS) before it is offered. */
const REST_MS = 300;

export interface LateRound {
  readonly database: Database;
  readonly gate: GateControl;
  readonly orderId: string;
  readonly charge: Charge;
  readonly mayTakeAgain: boolean;
  /** Settles the payment of an order that has left CLOSED. */
  readonly otherwise: (tx: Tx, order: LoadedOrder) => Promise<SettleOutcome>;
  /** Notes the callback with its outcome, in the same transaction. */
  readonly note: (tx: Tx, outcome: SettleOutcome) => Promise<void>;
}

/** Decides one late payment, or answers `take-again` when the gate has to be asked once more, and may be at once. */
export async function decideLate(round: LateRound): Promise<SettleOutcome | 'take-again'> {
  const claim = await findClaim(round);
  const admission = await round.gate.take(claim);
  const { outcome, honoured } = await round.database.transaction((tx) => decideUnderLocks(tx, round, admission));
  if (outcome !== 'take-again') round.gate.settle(claim, admission, honoured);
  else if (!admission.admitted) await sleep(REST_MS);
  return outcome;
}

async function findClaim({ database, orderId }: LateRound) {
  const order = (await database.transaction((tx) => loadOrders(tx, [orderId]))).get(orderId);
  if (order === undefined) throw new Error(`order ${orderId} has vanished`);
  const { seriesId, itemId, buyerId, quantity } = order;
  return { seriesId, itemId, buyerId, quantity, claimId: lateClaimId(orderId) };
}

async function decideUnderLocks(tx: Tx, round: LateRound, admission: LateAdmission) {
  const order = (await lockOrders(tx, [round.orderId])).get(round.orderId);
  if (order === undefined) throw new Error(`order ${round.orderId} has vanished`);
  if (decidePaymentSucceeded(moneyOf(order), round.charge).do !== 'late') {
    const outcome = await round.otherwise(tx, order);
    await round.note(tx, outcome);
    // Another process may have honoured this very payment with the unit that the gate remembers under the same claim.
    return { outcome, honoured: order.lateDecision === 'HONOURED' };
  }
  const facts = await readFacts(tx, order, admission);
  const { decision, reason } = decideLatePayment(facts, round.mayTakeAgain);
  if (decision === 'TAKE_AGAIN') return { outcome: 'take-again' as const, honoured: false };
  const honoured = decision === 'HONOURED';
  await writeChanges(tx, [
    honoured ? honourLate(order, round.charge, reason) : refundLate(order, round.charge, reason),
  ]);
  const outcome: SettleOutcome = honoured ? 'late-honoured' : 'late-refunded';
  await round.note(tx, outcome);
  return { outcome, honoured };
}

interface FactRow {
  selling: boolean;
  round_open: boolean;
  available: number;
  per_buyer_limit: number;
  epoch: string;
  admission: 'GATE' | 'DIRECT';
  win_limit: number | null;
  buyer_units: number;
  tombstoned: boolean;
}

/** Locks the item and the buyer's wins, then reads the same facts as the claim decision. */
async function readFacts(tx: Tx, order: LoadedOrder, admission: LateAdmission): Promise<LatePaymentFacts> {
  await tx.query('select 1 from round_items where item_id = $1 for no key update', [order.itemId]);
  const wins = order.winLimit === undefined ? 0 : await lockWins(tx, order);
  const [row] = await tx.query<FactRow>(
    `select i.selling, i.quota - i.held - i.sold - i.written_off as available, i.per_buyer_limit, i.epoch::text, i.admission,
       r.status in ('OPEN', 'SOLD_OUT') and clock_timestamp() >= r.opens_at and clock_timestamp() < r.closes_at as round_open,
       r.win_limit,
       (select coalesce(sum(o.quantity), 0)::int from orders o
        where o.item_id = i.item_id and o.buyer_id = $2 collate "C" and o.status in ('AWAITING_PAYMENT', 'PAID')) as buyer_units,
       exists (select 1 from claim_tombstones t
               where t.claim_id = $3 and t.epoch = $4::bigint and t.admission_number = $5::bigint) as tombstoned
     from round_items i join rounds r on r.round_id = i.round_id where i.item_id = $1`,
    [
      order.itemId,
      order.buyerId,
      lateClaimId(order.orderId),
      admission.epoch?.toString() ?? null,
      admission.admissionNumber?.toString() ?? null,
    ],
  );
  if (row === undefined) throw new Error(`item ${order.itemId} has vanished`);
  const epochInForce = row.admission === 'GATE' ? row.epoch : undefined;
  return {
    admitted: admission.admitted,
    admissionValid: !row.tombstoned && admission.epoch?.toString() === epochInForce,
    selling: row.selling,
    roundOpen: row.round_open,
    available: row.available,
    quantity: order.quantity,
    perBuyerLimit: row.per_buyer_limit,
    buyerUnits: row.buyer_units,
    ...(row.win_limit === null ? {} : { winLimit: row.win_limit }),
    wins,
  };
}

/** The buyer's wins, locked. The row is made first when there is none: a missing row cannot be locked. */
async function lockWins(tx: Tx, order: LoadedOrder): Promise<number> {
  const key = [order.seriesId, order.buyerId];
  await tx.query('insert into series_wins (series_id, buyer_id, wins) values ($1, $2, 0) on conflict do nothing', key);
  const [row] = await tx.query<{ wins: number }>(
    'select wins from series_wins where series_id = $1 and buyer_id = $2 for no key update',
    key,
  );
  return row?.wins ?? 0;
}
