// The relay's own connection to Postgres. The advisory lock of the active relay and all statements of the relay use it:
// a statement that succeeds proves that the lock was held.
import { plannedAnew } from '@gravity/persistence';
import { Client } from 'pg';
import type { PublishedEvent } from './event';
import type { Gap } from './outbox-gaps';

const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const CLIENT_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_DELAY_MS = 5_000;

/** A row of the outbox. `above`: its id is above the highest one seen so far. */
export interface OutboxRow extends PublishedEvent {
  readonly id: number;
  readonly above: boolean;
}

interface RawRow {
  readonly xmin: string;
  readonly id: string | null;
  readonly above: boolean;
  readonly event_id: string;
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly payload: string;
  readonly traceparent: string | null;
  readonly occurred_ms: string;
}

/** The distance between outbox and Kafka. */
export interface OutboxLag {
  /** Every id up to this one is published or rolled back. */
  readonly position: number;
  /** Difference between the newest id and the position. */
  readonly depth: number;
  /** Age of the oldest unpublished event; 0 when there is none. */
  readonly oldestAgeMs: number;
}

const COLUMNS = `o.id, o.event_id, o.topic, o.key, o.type, o.payload, o.traceparent,
  (extract(epoch from o.occurred_at) * 1000)::bigint as occurred_ms`;

// One statement has one snapshot: its rows and its xmin belong together. Each gap is one range of the index; an OR over
// both conditions would scan the table.
const READ_ABOVE = `select true as above, ${COLUMNS} from outbox o where o.id > $1 order by o.id limit $2`;
const READ_GAPS = `select false as above, g.* from unnest($3::bigint[], $4::bigint[]) as r(lo, hi)
  cross join lateral (
    select ${COLUMNS} from outbox o where o.id >= r.lo and o.id <= r.hi order by o.id limit $2
  ) g order by g.id limit $2`;
const WITH_XMIN = `select pg_snapshot_xmin(pg_current_snapshot())::text as xmin, o.* from (values (1)) as one left join lateral`;
const READ = `${WITH_XMIN} (${READ_ABOVE}) o on true`;
const READ_WITH_GAPS = `${WITH_XMIN} ((${READ_ABOVE}) union all (${READ_GAPS})) o on true`;

/** One connection of a relay. */
export class RelaySession {
  private constructor(
    private readonly client: Client,
    private readonly relay: string,
  ) {}

  /** True when the connection, and with it the lock, is lost. */
  lost = false;

  /** Connects; rejects when Postgres is unavailable. */
  static async open(url: string, relay: string, applicationName: string): Promise<RelaySession> {
    const client = new Client({
      connectionString: plannedAnew(url),
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: CLIENT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    });
    const session = new RelaySession(client, relay);
    const lose = (): void => {
      session.lost = true;
    };
    client.on('error', lose);
    client.on('end', lose);
    await client.connect();
    return session;
  }

  /** True when this session holds the relay's lock. It keeps the lock until it ends. */
  async tryLock(): Promise<boolean> {
    const { rows } = await this.client.query<{ mine: boolean }>(
      `select pg_try_advisory_lock(hashtextextended('gravity.relay.' || $1, 0)) as mine`,
      [this.relay],
    );
    return rows[0]!.mine;
  }

  /** The stored position; 0 for a new relay. */
  async position(): Promise<number> {
    const { rows } = await this.client.query<{ position: string }>(
      'select position from outbox_cursor where relay = $1',
      [this.relay],
    );
    return Number(rows[0]?.position ?? 0);
  }

  /** Stores the position. A smaller one than the stored one is ignored. */
  async savePosition(position: number): Promise<void> {
    await this.client.query({
      name: 'relay-save',
      text: `insert into outbox_cursor (relay, position) values ($1, $2)
        on conflict (relay) do update set position = greatest(outbox_cursor.position, excluded.position), updated_at = now()`,
      values: [this.relay, position],
    });
  }

  /** Up to `limit` rows above `high` and up to `limit` inside the gaps, by id, with the xmin of their snapshot. */
  async read(high: number, gaps: readonly Gap[], limit: number): Promise<{ rows: OutboxRow[]; xmin: bigint }> {
    const { rows } = await this.client.query<RawRow>(
      gaps.length === 0
        ? { name: 'relay-read', text: READ, values: [high, limit] }
        : {
            name: 'relay-read-gaps',
            text: READ_WITH_GAPS,
            values: [high, limit, gaps.map(({ lo }) => lo), gaps.map(({ hi }) => hi)],
          },
    );
    const found = rows.filter((row) => row.id !== null).map(toOutboxRow);
    return { rows: found.sort((a, b) => a.id - b.id), xmin: BigInt(rows[0]!.xmin) };
  }

  /** A new transaction id, larger than that of every transaction that has one at this moment. */
  async drawXid(): Promise<bigint> {
    const { rows } = await this.client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    return BigInt(rows[0]!.xid);
  }

  /** Reads the distance between outbox and Kafka. */
  async lag(): Promise<OutboxLag> {
    const { rows } = await this.client.query<{ position: string; newest: string; age_ms: string }>(
      `with c as (select coalesce((select position from outbox_cursor where relay = $1), 0) as position)
       select c.position,
         coalesce((select max(id) from outbox), 0) as newest,
         coalesce((select extract(epoch from clock_timestamp() - o.created_at) * 1000
           from outbox o where o.id > c.position order by o.id limit 1), 0)::bigint as age_ms
       from c`,
      [this.relay],
    );
    const { position, newest, age_ms: ageMs } = rows[0]!;
    return {
      position: Number(position),
      depth: Math.max(0, Number(newest) - Number(position)),
      oldestAgeMs: Math.max(0, Number(ageMs)),
    };
  }

  /** Disconnects, which releases the lock. Never rejects. */
  async end(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }
}

function toOutboxRow(raw: RawRow): OutboxRow {
  return {
    id: Number(raw.id),
    above: raw.above,
    eventId: raw.event_id,
    topic: raw.topic,
    key: raw.key,
    type: raw.type,
    payload: raw.payload,
    traceparent: raw.traceparent,
    occurredAtMs: Number(raw.occurred_ms),
  };
}
