// Waits until the sale has come to rest: no unit held, no refund under way, every fact published.
import { Client } from 'pg';
import { sleep } from '@gravity/kernel';

export interface Unsettled {
  /** Orders that still await payment. */
  readonly held: number;
  /** Refunds that the provider has not confirmed. */
  readonly refunding: number;
  /** Money on its way at the provider. */
  readonly moneyMoving: number;
  /** Callbacks that are to be delivered. */
  readonly callbacks: number;
  /** Claims whose units are on their way back to the gate. */
  readonly returning: number;
  /** Facts that the relay has not published. */
  readonly unpublished: number;
}

const POLL_MS = 300;
const LOOK_FOR_THE_END_MS = 1_000;
/** The sale must stay at rest this long before we believe it. */
const STILL_FOR_MS = 900;

/** Resolves with what was still open at the end: all zero, unless the time was up. */
export async function waitUntilSettled(
  orders: Client,
  payments: Client,
  withinMs: number,
  onLook: (left: Unsettled) => void,
): Promise<Unsettled> {
  const deadline = performance.now() + withinMs;
  let restingSince: number | undefined;
  for (;;) {
    const left = await look(orders, payments);
    onLook(left);
    const now = performance.now();
    restingSince = atRest(left) ? (restingSince ?? now) : undefined;
    if ((restingSince !== undefined && now - restingSince >= STILL_FOR_MS) || now > deadline) return left;
    await sleep(POLL_MS);
  }
}

/** Resolves when every unit of the round is sold for good and nothing moves any more, or when the signal is raised. */
export async function waitUntilAllSold(
  orders: Client,
  payments: Client,
  roundId: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { rows } = await orders.query<{ left: number }>(
      'select sum(quota - sold - written_off)::int as left from round_items where round_id = $1',
      [roundId],
    );
    if (rows[0]?.left === 0 && atRest(await look(orders, payments))) return;
    await sleep(LOOK_FOR_THE_END_MS, signal);
  }
}

/** True when nothing is left to happen by itself. */
export function atRest(left: Unsettled): boolean {
  return Object.values(left).every((open) => open === 0);
}

async function look(orders: Client, payments: Client): Promise<Unsettled> {
  const [sale, provider] = await Promise.all([
    orders.query<Omit<Unsettled, 'moneyMoving' | 'callbacks'>>(
      `select (select count(*)::int from orders where status = 'AWAITING_PAYMENT') as held,
              (select count(*)::int from refunds where status = 'REQUESTED') as refunding,
              (select count(*)::int from gate_returns) as returning,
              (select count(*)::int from outbox where id > coalesce((select min(position) from outbox_cursor), 0)) as unpublished`,
    ),
    payments.query<Pick<Unsettled, 'moneyMoving' | 'callbacks'>>(
      `select (select count(*)::int from scheduled_charges where outcome is null) as "moneyMoving",
              (select count(*)::int from deliveries where status = 'PENDING') as callbacks`,
    ),
  ]);
  const [first] = sale.rows;
  const [second] = provider.rows;
  if (first === undefined || second === undefined) throw new Error('A count without a row.');
  return { ...first, ...second };
}
