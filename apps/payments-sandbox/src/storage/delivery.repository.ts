// The callbacks owed and the log of their delivery. A claim moves the due time forward, so a claim whose process died falls
// due again by itself; the attempt's number guards its result, so a late result of an old claim changes nothing.
import { toRfc3339 } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Injectable } from '@nestjs/common';

export type DeliveryStatus = 'PENDING' | 'DELIVERED' | 'ABANDONED';

/** A delivery to be attempted now. */
export interface ClaimedDelivery {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly body: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
}

/** The end of an attempt. */
export interface AttemptResult {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly status: DeliveryStatus;
  /** Absent when the receiver did not answer. */
  readonly httpStatus?: number;
  readonly error?: string;
  readonly atMs: number;
  /** Time of the next attempt; used while PENDING. */
  readonly nextDueAtMs: number;
}

/** One line of the delivery log. Times are milliseconds since the epoch. */
export interface DeliveryLogEntry {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly intentId: string;
  readonly type: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly dueAtMs: number;
  readonly lastHttpStatus?: number;
  readonly lastError?: string;
  readonly createdAtMs: number;
  readonly deliveredAtMs?: number;
}

interface LogRow {
  delivery_id: number;
  event_id: string;
  intent_id: string;
  type: string;
  status: DeliveryStatus;
  attempts: number;
  due_at_ms: number;
  last_status: number | null;
  last_error: string | null;
  created_at_ms: number;
  delivered_at_ms: number | null;
}

const CLAIM = `
  UPDATE deliveries d SET attempts = d.attempts + 1, due_at = $2
    FROM (SELECT delivery_id FROM deliveries
           WHERE status = 'PENDING' AND due_at <= $1
           ORDER BY due_at, delivery_id LIMIT $3
             FOR UPDATE SKIP LOCKED) due
   WHERE d.delivery_id = due.delivery_id
  RETURNING d.delivery_id, d.event_id, d.body, d.attempts`;

const RECORD = `
  UPDATE deliveries d
     SET status = r.status, due_at = r.due_at, last_status = r.http_status, last_error = r.error,
         delivered_at = CASE WHEN r.status = 'DELIVERED' THEN r.at END
    FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::timestamptz[], $5::integer[], $6::text[], $7::timestamptz[])
         AS r (delivery_id, attempt, status, due_at, http_status, error, at)
   WHERE d.delivery_id = r.delivery_id AND d.attempts = r.attempt AND d.status = 'PENDING'`;

const LOG = `
  SELECT delivery_id, event_id, intent_id, type, status, attempts, last_status, last_error,
         (extract(epoch FROM due_at) * 1000)::bigint AS due_at_ms,
         (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms,
         (extract(epoch FROM delivered_at) * 1000)::bigint AS delivered_at_ms
    FROM deliveries
   WHERE intent_id = $1 ORDER BY delivery_id LIMIT $2`;

@Injectable()
export class DeliveryRepository {
  constructor(private readonly database: Database) {}

  /** Takes up to `limit` due deliveries for this process until `leaseMs` from now. Several processes never take the same. */
  async claim(nowMs: number, leaseMs: number, limit: number): Promise<ClaimedDelivery[]> {
    type Row = { delivery_id: number; event_id: string; body: string; attempts: number };
    const params = [toRfc3339(nowMs), toRfc3339(nowMs + leaseMs), limit];
    const rows = await this.database.query<Row>(CLAIM, params, 'sandbox-claim-deliveries');
    return rows.map((row) => ({
      deliveryId: String(row.delivery_id),
      eventId: row.event_id,
      body: row.body,
      attempt: row.attempts,
    }));
  }

  /** Writes the ends of many attempts in one statement. */
  async record(results: readonly AttemptResult[]): Promise<void> {
    if (results.length === 0) return;
    await this.database.query(
      RECORD,
      [
        results.map((result) => result.deliveryId),
        results.map((result) => result.attempt),
        results.map((result) => result.status),
        results.map((result) => toRfc3339(result.nextDueAtMs)),
        results.map((result) => result.httpStatus ?? null),
        results.map((result) => result.error ?? null),
        results.map((result) => toRfc3339(result.atMs)),
      ],
      'sandbox-record-attempts',
    );
  }

  /** The deliveries of one intent, oldest first. */
  async log(intentId: string, limit: number): Promise<DeliveryLogEntry[]> {
    const rows = await this.database.query<LogRow>(LOG, [intentId, limit], 'sandbox-delivery-log');
    return rows.map((row) => ({
      deliveryId: String(row.delivery_id),
      eventId: row.event_id,
      intentId: row.intent_id,
      type: row.type,
      status: row.status,
      attempts: row.attempts,
      dueAtMs: row.due_at_ms,
      createdAtMs: row.created_at_ms,
      ...(row.last_status === null ? {} : { lastHttpStatus: row.last_status }),
      ...(row.last_error === null ? {} : { lastError: row.last_error }),
      ...(row.delivered_at_ms === null ? {} : { deliveredAtMs: row.delivered_at_ms }),
    }));
  }
}
