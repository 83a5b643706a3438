// Waits until the sale is settled: no unit held, no refund pending, every event published.
import { Client } from 'pg';
import { sleep } from '@gravity/kernel';

export interface Unsettled {
  /** Orders that await payment. */
  readonly held: number;
  /** Refunds that the provider has not confirmed. */
  readonly refunding: number;
  /** Scheduled charges at the provider. */
  readonly moneyMoving: number;
  /** Callbacks that are not delivered yet. */
  readonly callbacks: number;
  /** Claims whose units are not yet back in the gate. */
  readonly returning: number;
  /** Events that the relay has not published. */
  readonly unpublished: number;
}

const POLL_MS = 300;
const SOLD_OUT_POLL_MS = 1_000;
/** The sale counts as settled when it has been at rest for this long. */
const AT_REST_MS = 900;

/** Resolves with the open work: all zero, or the counts at the deadline. */
export async function waitUntilSettled(
  orders: Client,
  payments: Client,
  withinMs: number,
  onPoll: (open: Unsettled) => void,
): Promise<Unsettled> {
  const deadline = performance.now() + withinMs;
  let atRestSince: number | undefined;
  for (;;) {
    const open = await readOpenWork(orders, payments);
    onPoll(open);
    const now = performance.now();
    atRestSince = atRest(open) ? (atRestSince ?? now) : undefined;
    if ((atRestSince !== undefined && now - atRestSince >= AT_REST_MS) || now > deadline) return open;
    await sleep(POLL_MS);
  }
}

/** Resolves when every unit of the round is sold and no work is open, or when the signal aborts. */
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
    if (rows[0]?.left === 0 && atRest(await readOpenWork(orders, payments))) return;
    await sleep(SOLD_OUT_POLL_MS, signal);
  }
}

/** True when no work is open. */
export function atRest(work: Unsettled): boolean {
  return Object.values(work).every((open) => open === 0);
}

async function readOpenWork(orders: Client, payments: Client): Promise<Unsettled> {
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
  if (first === undefined || second === undefined) throw new Error('The count returned no row.');
  return { ...first, ...second };
}
