// A round on sale in a real Postgres and a real Redis, with orders placed straight into the tables: the start of specs
// of payment, expiry and return.
import { idFromUuid, newUuid, systemClock } from '@gravity/kernel';
import { KafkaEventBus, OutboxRelay } from '@gravity/messaging';
import { Database, migrate, openDatabase } from '@gravity/persistence';
import { engines, freshDatabase } from '@gravity/testing';
import { GateConnection } from '../src/gate/gate-connection';
import { GateKeeper } from '../src/gate/gate-keeper';
import { RedisGate } from '../src/gate/redis-gate';
import { ReturnsWorker } from '../src/gate/returns-worker';
import { ordersMigrations } from '../src/storage/migrations';
import { PaymentSettler } from '../src/use-cases/receive-payment-callback/payment-settler';

export const PRICE_MINOR = 9_900;

export interface SaleOptions {
  readonly quota?: number;
  readonly winLimit?: number | null;
  readonly perBuyerLimit?: number;
  readonly priceMinor?: number;
}

export interface PlaceOptions {
  readonly buyerId?: string;
  readonly quantity?: number;
  /** Seconds until the order expires; negative: it is past its time. */
  readonly expiresIn?: number;
  /** With a payment intent of this id. */
  readonly intentId?: string;
}

export interface Item {
  readonly seriesId: string;
  readonly roundId: string;
  readonly itemId: string;
  readonly winLimit: number | null;
}

/** One service's view of the database and the gate. Two of them are two processes. */
export class Sale {
  readonly database: Database;
  readonly connection: GateConnection;
  readonly redis: RedisGate;
  readonly returns: ReturnsWorker;
  readonly gate: GateKeeper;
  readonly relay: OutboxRelay;
  readonly settler: PaymentSettler;

  constructor(readonly url: string) {
    this.database = openDatabase({ url, applicationName: 'spec', poolSize: 8 });
    this.connection = new GateConnection({ url: engines().redisUrl });
    this.redis = new RedisGate(this.connection);
    this.returns = new ReturnsWorker(this.database, this.redis);
    this.gate = new GateKeeper(this.database, this.connection, this.redis, this.returns, systemClock);
    // Never started: these specs read the outbox itself.
    const bus = new KafkaEventBus({ brokers: ['127.0.0.1:1'], clientId: 'spec', topicPrefix: '', topics: [] });
    this.relay = new OutboxRelay({ url, bus, service: 'orders' });
    this.settler = new PaymentSettler(this.database, this.gate, this.relay);
  }

  async start(): Promise<this> {
    this.connection.start();
    for (let tries = 0; this.connection.runId === undefined && tries < 500; tries += 1)
      await new Promise((r) => setTimeout(r, 10));
    this.returns.start();
    return this;
  }

  async close(): Promise<void> {
    await this.returns.stop();
    await this.connection.stop();
    await this.database.close();
  }

  /** A round that is open, with one item, and its gate loaded. */
  async openRound({
    quota = 10,
    winLimit = null,
    perBuyerLimit = 10,
    priceMinor = PRICE_MINOR,
  }: SaleOptions = {}): Promise<Item> {
    const [seriesId, roundId, itemId] = [newUuid(), newUuid(), newUuid()];
    await this.database.query(
      `insert into series (series_id, title, status, time_zone, recurrence, win_limit, payment_window_seconds, leftover,
         auto_approve, warm_ahead_seconds, rounds_ahead, created_by)
       values ($1, 'Every ten minutes', 'ACTIVE', 'Asia/Shanghai', '{}', $2, 60, 'END', true, 60, 3, 'operator')`,
      [seriesId, winLimit],
    );
    await this.database.query(
      `insert into rounds (round_id, series_id, number, status, opens_at, closes_at, payment_window_seconds, win_limit, leftover)
       values ($1, $2, 1, 'OPEN', now() - interval '1 minute', now() + interval '10 minutes', 60, $3, 'END')`,
      [roundId, seriesId, winLimit],
    );
    await this.database.query(
      `insert into round_items (item_id, round_id, series_id, position, sku_id, shop_id, merchant_id, title, price_version_id,
         price_minor, currency, per_order_limit, per_buyer_limit, quota, selling)
       values ($1, $2, $3, 1, $4, $5, $6, 'Bottle', $7, $10, 'CNY', 10, $8, $9, true)`,
      [itemId, roundId, seriesId, newUuid(), newUuid(), newUuid(), newUuid(), perBuyerLimit, quota, priceMinor],
    );
    return { seriesId, roundId, itemId, winLimit };
  }

  /** Loads the gate from Postgres. */
  async loadGate(item: Item): Promise<void> {
    if (!(await this.gate.load(item.seriesId))) throw new Error('the gate was not loaded');
  }

  /** Orders that await payment, as the decision would have placed them. Returns their uuids. */
  async place(item: Item, count: number, options: PlaceOptions = {}): Promise<string[]> {
    const { quantity = 1, expiresIn = 60 } = options;
    const ids = Array.from({ length: count }, () => newUuid()).sort();
    const buyers = ids.map((_, index) => options.buyerId ?? `b_${ids[index]!.slice(-12)}`);
    await this.database.transaction(async (tx) => {
      await tx.query('update round_items set held = held + $2 where item_id = $1', [item.itemId, count * quantity]);
      await tx.query(
        `insert into orders (order_id, claim_id, fingerprint, buyer_id, merchant_id, shop_id, series_id, round_id, item_id, quantity,
           total_minor, currency, region_code, status, placed_at, expires_at)
         select n.id, n.claim_id, '', n.buyer, i.merchant_id, i.shop_id, i.series_id, i.round_id, i.item_id, $4::int, i.price_minor * $4::int,
           i.currency, 'CN-11', 'AWAITING_PAYMENT', now(), now() + make_interval(secs => $5)
         from unnest($1::uuid[], $2::uuid[], $3::text[]) as n(id, claim_id, buyer), round_items i where i.item_id = $6`,
        [ids, ids.map(() => newUuid()), buyers, quantity, expiresIn, item.itemId],
      );
      await tx.query(
        `insert into order_lines (order_id, line_number, sku_id, title, quantity, unit_price_minor, price_version_id)
         select n.id, 1, i.sku_id, i.title, $2, i.price_minor, i.price_version_id
         from unnest($1::uuid[]) as n(id), round_items i where i.item_id = $3`,
        [ids, quantity, item.itemId],
      );
      if (item.winLimit !== null) {
        await tx.query(
          `insert into series_wins as w (series_id, buyer_id, wins) select $1, buyer, count(*) from unnest($2::text[]) as n(buyer) group by buyer
           on conflict (series_id, buyer_id) do update set wins = w.wins + excluded.wins`,
          [item.seriesId, buyers],
        );
      }
      if (options.intentId !== undefined) {
        await tx.query(
          `insert into payment_intents (intent_id, order_id, provider, amount_minor, currency, pay_url, status)
           select $2, order_id, 'sandbox', total_minor, currency, 'http://pay', 'PENDING' from orders where order_id = $1`,
          [ids[0], options.intentId],
        );
      }
    });
    return ids;
  }

  /** The counters of the item in Postgres. */
  async counters(item: Item): Promise<{ held: number; sold: number; released: number; resold: number; free: number }> {
    const [row] = await this.database.query<{
      held: number;
      sold: number;
      released: number;
      resold: number;
      free: number;
    }>(
      `select held, sold, released, resold, quota - held - sold - written_off as free from round_items where item_id = $1`,
      [item.itemId],
    );
    return row!;
  }

  async statusOf(orderId: string): Promise<string> {
    const [row] = await this.database.query<{ status: string }>('select status from orders where order_id = $1', [
      orderId,
    ]);
    return row!.status;
  }

  async winsOf(item: Item, buyerId: string): Promise<number> {
    const [row] = await this.database.query<{ wins: number }>(
      'select wins from series_wins where series_id = $1 and buyer_id = $2',
      [item.seriesId, buyerId],
    );
    return row?.wins ?? 0;
  }

  /** Types of the order's events, in outbox order, with their sequences checked to have no gap after `placed`. */
  async eventsOf(orderId: string): Promise<string[]> {
    const rows = await this.database.query<{ type: string; payload: string }>(
      'select type, payload from outbox where key = $1 order by id',
      [idFromUuid('order', orderId)],
    );
    rows.forEach((row, index) => expect(JSON.parse(row.payload).sequence).toBe(index + 2));
    return rows.map((row) => row.type.replace('orders.order.', '').replace('.v1', ''));
  }

  /** Units by the orders themselves; the counters must equal them. */
  async unitsByOrders(item: Item): Promise<{ held: number; sold: number }> {
    const [row] = await this.database.query<{ held: number; sold: number }>(
      `select coalesce(sum(quantity) filter (where status = 'AWAITING_PAYMENT'), 0)::int as held,
              coalesce(sum(quantity) filter (where status = 'PAID'), 0)::int as sold from orders where item_id = $1`,
      [item.itemId],
    );
    return row!;
  }
}

/** A migrated database of its own. */
export async function freshSale(name: string): Promise<{ url: string; drop(): Promise<void> }> {
  const database = await freshDatabase(name);
  await migrate({ url: database.url, service: 'orders', migrations: ordersMigrations });
  return database;
}
