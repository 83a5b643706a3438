// Counts the edge cases of the sale, from Postgres and from the answers to the buyers.
import type { BuyerKind, BuyersResult, Win } from './buyers/protocol';
import type { SaleDatabases } from './checks/facts';

export interface EdgeCases {
  readonly botWins: number;
  readonly doubleWinners: number;
  /** Orders of buyers who sent the same claim twice: one per winner. */
  readonly doubleOrders: number;
  /** Answers that were replayed. */
  readonly replays: number;
  readonly unpaid: number;
  readonly cancelled: number;
  readonly resold: number;
  readonly lateHonoured: number;
  readonly lateRefunded: number;
  readonly callbacksRepeated: number;
  /** Paid orders without a callback of the provider. */
  readonly callbacksMissing: number;
}

type FromOrders = Pick<EdgeCases, 'unpaid' | 'cancelled' | 'resold' | 'lateHonoured' | 'lateRefunded'>;
type FromPayments = Pick<EdgeCases, 'callbacksRepeated' | 'callbacksMissing'>;

export async function readEdgeCases(databases: SaleDatabases, result: BuyersResult): Promise<EdgeCases> {
  const { rows: sale } = await databases.orders.query<FromOrders>(
    `select count(*) filter (where close_reason = 'EXPIRED')::int as unpaid,
            count(*) filter (where close_reason = 'CANCELLED_BY_BUYER')::int as cancelled,
            count(*) filter (where decision = 'HONOURED')::int as "lateHonoured",
            count(*) filter (where decision = 'REFUNDED')::int as "lateRefunded",
            (select coalesce(sum(resold), 0)::int from round_items where round_id = $1) as resold
     from orders left join late_payments using (order_id) where round_id = $1`,
    [databases.roundId],
  );
  const { rows: provider } = await databases.payments.query<FromPayments>(
    `select (select count(*)::int from (select event_id from deliveries where status = 'DELIVERED' group by event_id having count(*) > 1) d) as "callbacksRepeated",
            (select count(*)::int from intents i where status = 'PAID'
               and not exists (select 1 from deliveries d where d.intent_id = i.intent_id and d.type = 'payment.succeeded')) as "callbacksMissing"`,
  );
  const [first] = sale;
  const [second] = provider;
  if (first === undefined || second === undefined) throw new Error('The count returned no row.');
  const of = (kind: BuyerKind): readonly Win[] => result.wins.filter((win) => win.kind === kind);
  return {
    ...first,
    ...second,
    botWins: distinct(of('bot').map((win) => win.orderId)),
    doubleWinners: distinct(of('double-click').map((win) => win.buyerId)),
    doubleOrders: distinct(of('double-click').map((win) => win.orderId)),
    replays: result.wins.filter((win) => win.replayed).length,
  };
}

function distinct(values: readonly string[]): number {
  return new Set(values).size;
}
