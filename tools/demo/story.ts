// What became of the strange buyers, told from Postgres and from what the crowd saw.
import type { BuyerKind, CrowdResult, Win } from './crowd/protocol';
import type { Books } from './checks/facts';

export interface Story {
  readonly botWins: number;
  readonly doubleWinners: number;
  /** Orders of buyers who double-clicked: as many as winners, if all is well. */
  readonly doubleOrders: number;
  /** Requests whose stored answer was given again. */
  readonly replays: number;
  readonly unpaid: number;
  readonly cancelled: number;
  readonly resold: number;
  readonly lateHonoured: number;
  readonly lateRefunded: number;
  readonly callbacksRepeated: number;
  /** Paid orders whose provider never called back. */
  readonly callbacksMissing: number;
}

type FromOrders = Pick<Story, 'unpaid' | 'cancelled' | 'resold' | 'lateHonoured' | 'lateRefunded'>;
type FromPayments = Pick<Story, 'callbacksRepeated' | 'callbacksMissing'>;

export async function tellStory(books: Books, crowd: CrowdResult): Promise<Story> {
  const { rows: sale } = await books.orders.query<FromOrders>(
    `select count(*) filter (where close_reason = 'EXPIRED')::int as unpaid,
            count(*) filter (where close_reason = 'CANCELLED_BY_BUYER')::int as cancelled,
            count(*) filter (where decision = 'HONOURED')::int as "lateHonoured",
            count(*) filter (where decision = 'REFUNDED')::int as "lateRefunded",
            (select coalesce(sum(resold), 0)::int from round_items where round_id = $1) as resold
     from orders left join late_payments using (order_id) where round_id = $1`,
    [books.roundId],
  );
  const { rows: provider } = await books.payments.query<FromPayments>(
    `select (select count(*)::int from (select event_id from deliveries where status = 'DELIVERED' group by event_id having count(*) > 1) d) as "callbacksRepeated",
            (select count(*)::int from intents i where status = 'PAID'
               and not exists (select 1 from deliveries d where d.intent_id = i.intent_id and d.type = 'payment.succeeded')) as "callbacksMissing"`,
  );
  const [first] = sale;
  const [second] = provider;
  if (first === undefined || second === undefined) throw new Error('A count without a row.');
  const of = (kind: BuyerKind): readonly Win[] => crowd.wins.filter((win) => win.kind === kind);
  return {
    ...first,
    ...second,
    botWins: distinct(of('bot').map((win) => win.orderId)),
    doubleWinners: distinct(of('double-click').map((win) => win.buyerId)),
    doubleOrders: distinct(of('double-click').map((win) => win.orderId)),
    replays: crowd.wins.filter((win) => win.replayed).length,
  };
}

function distinct(values: readonly string[]): number {
  return new Set(values).size;
}
