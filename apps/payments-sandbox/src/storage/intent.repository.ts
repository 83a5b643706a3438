// Intents and everything that changes with them. A change is decided and written while the intent's row is locked: the
// state, the callbacks it owes and the charge it plans are written together or not at all.
import { type Currency, type Money, assert, money, toRfc3339 } from '@gravity/kernel';
import { Database, type Tx } from '@gravity/persistence';
import { Injectable } from '@nestjs/common';
import { callbackBody } from '../domain/callback-body';
import type { Change, Intent, IntentStatus, ScheduledCharge } from '../domain/intent';

interface IntentRow {
  intent_id: string;
  order_id: string;
  amount_minor: number | bigint;
  currency: Currency;
  status: IntentStatus;
  version: number;
  expires_at_ms: number;
  paid_minor: number | bigint | null;
  charge_id: string | null;
  paid_at_ms: number | null;
  refunded_minor: number | bigint;
  client_secret: string;
  request_hash: string;
}

/** An intent with what is not part of its state machine. */
export interface StoredIntent {
  readonly intent: Intent;
  readonly clientSecret: string;
  /** Fingerprint of the request that created it. */
  readonly requestHash: string;
}

export interface NewIntent extends StoredIntent {
  readonly idempotencyKey: string;
  readonly description: string;
}

export interface StoredRefund {
  readonly refundId: string;
  readonly intentId: string;
  readonly amount: Money;
  readonly requestHash: string;
}

/** Further rows of a change. */
export interface Along {
  readonly refund?: StoredRefund & { readonly idempotencyKey: string };
  /** The scheduled charge that this change carries out. */
  readonly charged?: string;
}

/** The form of an id. Postgres refuses some other texts. */
const ID = /^[\w-]{1,64}$/;

const INTENT_COLUMNS = `intent_id, order_id, amount_minor, currency, status, version, paid_minor, charge_id, refunded_minor,
  client_secret, request_hash, (extract(epoch FROM expires_at) * 1000)::bigint AS expires_at_ms,
  (extract(epoch FROM paid_at) * 1000)::bigint AS paid_at_ms`;

const INSERT_INTENT = `
  INSERT INTO intents (intent_id, idempotency_key, request_hash, order_id, description, client_secret, amount_minor, currency,
                       status, version, expires_at, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING intent_id`;

// A refund's key is unique over all intents. A key that is taken inserts no refund, and then nothing else changes either.
const SAVE_CHANGE = `
  WITH refunded AS (
    INSERT INTO refunds (refund_id, intent_id, amount_minor, idempotency_key, request_hash, created_at)
    SELECT $17::text, $1::text, $18::bigint, $19::text, $20::text, $8::timestamptz WHERE $17::text IS NOT NULL
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING refund_id),
  moved AS (
    UPDATE intents
       SET status = $2, version = $3, paid_minor = $4, charge_id = $5, paid_at = $6, refunded_minor = $7
     WHERE intent_id = $1 AND ($17::text IS NULL OR EXISTS (SELECT FROM refunded))
    RETURNING intent_id),
  owed AS (
    INSERT INTO deliveries (event_id, intent_id, type, body, due_at, created_at)
    SELECT c.event_id, moved.intent_id, c.type, c.body, c.due_at, $8::timestamptz
      FROM moved, unnest($9::text[], $10::text[], $11::text[], $12::timestamptz[]) AS c (event_id, type, body, due_at)),
  planned AS (
    INSERT INTO scheduled_charges (charge_id, intent_id, amount_minor, survives_cancellation, due_at)
    SELECT $13::text, moved.intent_id, $14::bigint, $15::boolean, $16::timestamptz FROM moved WHERE $13::text IS NOT NULL),
  charged AS (
    UPDATE scheduled_charges SET outcome = 'CHARGED', settled_at = $8::timestamptz
     WHERE charge_id = $21::text AND EXISTS (SELECT FROM moved))
  SELECT intent_id FROM moved`;

@Injectable()
export class IntentRepository {
  constructor(private readonly database: Database) {}

  /** Stores the intent, or finds the one that was created with the same key before. */
  async insertOrFind(created: NewIntent, nowMs: number): Promise<{ stored: StoredIntent; isNew: boolean }> {
    const { intent } = created;
    const inserted = await this.database.query(
      INSERT_INTENT,
      [
        intent.intentId,
        created.idempotencyKey,
        created.requestHash,
        intent.orderId,
        created.description,
        created.clientSecret,
        intent.amount.minor.toString(),
        intent.amount.currency,
        intent.status,
        intent.version,
        toRfc3339(intent.expiresAtMs),
        toRfc3339(nowMs),
      ],
      'sandbox-insert-intent',
    );
    if (inserted.length === 1) return { stored: created, isNew: true };
    const text = `SELECT ${INTENT_COLUMNS} FROM intents WHERE idempotency_key = $1`;
    const rows = await this.database.query<IntentRow>(text, [created.idempotencyKey], 'sandbox-intent-by-key');
    return { stored: toStored(rows[0]!), isNew: false };
  }

  async find(intentId: string): Promise<StoredIntent | undefined> {
    if (!ID.test(intentId)) return undefined;
    const text = `SELECT ${INTENT_COLUMNS} FROM intents WHERE intent_id = $1`;
    const rows = await this.database.query<IntentRow>(text, [intentId], 'sandbox-intent-by-id');
    return rows[0] && toStored(rows[0]);
  }

  /** The intents that exist, in no order. */
  async findMany(intentIds: readonly string[]): Promise<StoredIntent[]> {
    const text = `SELECT ${INTENT_COLUMNS} FROM intents WHERE intent_id = ANY($1::text[])`;
    return (
      await this.database.query<IntentRow>(text, [intentIds.filter((id) => ID.test(id))], 'sandbox-intents-by-ids')
    ).map(toStored);
  }

  /**
   * Runs the work in one transaction that holds the lock of the intent's row; undefined when there is no such intent. Callers
   * wait for the lock in line, at most as long as the connection's lock and statement timeouts allow, and are then refused as
   * `overloaded`.
   */
  async locked<T>(intentId: string, work: (stored: StoredIntent, tx: Tx) => Promise<T>): Promise<T | undefined> {
    if (!ID.test(intentId)) return undefined;
    const text = `SELECT ${INTENT_COLUMNS} FROM intents WHERE intent_id = $1 FOR UPDATE`;
    return this.database.transaction(async (tx) => {
      const [row] = await tx.query<IntentRow>(text, [intentId], 'sandbox-lock-intent');
      return row && work(toStored(row), tx);
    });
  }

  /**
   * Writes a change of an intent whose row the transaction has locked. False, and nothing written, when a committed refund
   * has the key of this one.
   */
  async save(tx: Tx, change: Change, nowMs: number, along: Along = {}): Promise<boolean> {
    const { next, callbacks, scheduled } = change;
    const { refund } = along;
    const params = [
      next.intentId,
      next.status,
      next.version,
      next.paid?.amount.minor.toString() ?? null,
      next.paid?.chargeId ?? null,
      next.paid ? toRfc3339(next.paid.atMs) : null,
      next.refundedMinor.toString(),
      toRfc3339(nowMs),
      callbacks.map((callback) => callback.eventId),
      callbacks.map((callback) => callback.type),
      callbacks.map((callback) => callbackBody(next, callback)),
      callbacks.map((callback) => toRfc3339(callback.dueAtMs)),
      scheduled?.chargeId ?? null,
      scheduled?.amount.minor.toString() ?? null,
      scheduled?.survivesCancellation ?? null,
      scheduled ? toRfc3339(scheduled.dueAtMs) : null,
      refund?.refundId ?? null,
      refund?.amount.minor.toString() ?? null,
      refund?.idempotencyKey ?? null,
      refund?.requestHash ?? null,
      along.charged ?? null,
    ];
    const written = (await tx.query(SAVE_CHANGE, params, 'sandbox-save-change')).length === 1;
    assert(written || refund !== undefined, `intent ${next.intentId} was not there to be written`);
    return written;
  }

  /** The refund of a key. */
  async findRefund(tx: Tx, idempotencyKey: string): Promise<StoredRefund | undefined> {
    const text = `SELECT r.refund_id, r.intent_id, r.amount_minor, r.request_hash, i.currency
                    FROM refunds r JOIN intents i USING (intent_id) WHERE r.idempotency_key = $1`;
    type Row = {
      refund_id: string;
      intent_id: string;
      amount_minor: number | bigint;
      request_hash: string;
      currency: Currency;
    };
    const row = (await tx.query<Row>(text, [idempotencyKey], 'sandbox-refund-by-key'))[0];
    if (row === undefined) return undefined;
    const amount = money(BigInt(row.amount_minor), row.currency);
    return { refundId: row.refund_id, intentId: row.intent_id, amount, requestHash: row.request_hash };
  }

  /** Charges whose time has come, oldest first. */
  async dueCharges(nowMs: number, limit: number): Promise<ScheduledCharge[]> {
    const text = `SELECT s.charge_id, s.intent_id, s.amount_minor, s.survives_cancellation, i.currency,
                         (extract(epoch FROM s.due_at) * 1000)::bigint AS due_at_ms
                    FROM scheduled_charges s JOIN intents i USING (intent_id)
                   WHERE s.outcome IS NULL AND s.due_at <= $1 ORDER BY s.due_at LIMIT $2`;
    type Row = {
      charge_id: string;
      intent_id: string;
      amount_minor: number | bigint;
      survives_cancellation: boolean;
      currency: Currency;
      due_at_ms: number;
    };
    const rows = await this.database.query<Row>(text, [toRfc3339(nowMs), limit], 'sandbox-due-charges');
    return rows.map((row) => ({
      chargeId: row.charge_id,
      intentId: row.intent_id,
      amount: money(BigInt(row.amount_minor), row.currency),
      survivesCancellation: row.survives_cancellation,
      dueAtMs: row.due_at_ms,
    }));
  }

  /** Notes that a scheduled charge was not made and never will be. */
  async voidCharge(tx: Tx, chargeId: string, nowMs: number): Promise<void> {
    const text = `UPDATE scheduled_charges SET outcome = 'VOID', settled_at = $2 WHERE charge_id = $1 AND outcome IS NULL`;
    await tx.query(text, [chargeId, toRfc3339(nowMs)], 'sandbox-void-charge');
  }
}

function toStored(row: IntentRow): StoredIntent {
  const intent: Intent = {
    intentId: row.intent_id,
    orderId: row.order_id,
    amount: money(BigInt(row.amount_minor), row.currency),
    status: row.status,
    expiresAtMs: row.expires_at_ms,
    version: row.version,
    refundedMinor: BigInt(row.refunded_minor),
    ...(row.paid_minor !== null && row.charge_id !== null && row.paid_at_ms !== null
      ? {
          paid: {
            amount: money(BigInt(row.paid_minor), row.currency),
            chargeId: row.charge_id,
            atMs: row.paid_at_ms,
          },
        }
      : {}),
  };
  return { intent, clientSecret: row.client_secret, requestHash: row.request_hash };
}
