// The table of idempotency keys and the digest of a request. The write pipeline of the service kit stores each key in the
// transaction of its effect.
import { createHash } from 'node:crypto';

/** As much of a transaction as this file needs. */
interface IdempotencyTx {
  /** Rows of one statement inside the open transaction; rejects with the driver's error. */
  query<T>(text: string, params?: readonly unknown[]): Promise<T[]>;
}

/** The statements that create the table; run them in a migration of the service. */
export function idempotencyDdl(): readonly string[] {
  return [
    `CREATE TABLE idempotency_key (
       caller text NOT NULL,
       operation text NOT NULL,
       key text NOT NULL,
       fingerprint text NOT NULL,
       status smallint,
       body jsonb,
       created_at timestamptz NOT NULL DEFAULT now(),
       PRIMARY KEY (caller, operation, key)
     )`,
    'CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at)',
  ];
}

/** A digest of a request's input, independent of the order of members. */
export function fingerprintOf(request: unknown): string {
  return createHash('sha256').update(canonical(request)).digest('base64url');
}

/** Forgets keys older than the given number of hours (at least 72), at most `limit` of them; returns how many. */
export async function pruneIdempotency(tx: IdempotencyTx, hours: number, limit: number): Promise<number> {
  const gone = await tx.query(
    `DELETE FROM idempotency_key WHERE ctid IN (
       SELECT ctid FROM idempotency_key WHERE created_at < now() - make_interval(hours => $1) LIMIT $2 FOR UPDATE SKIP LOCKED
     ) RETURNING 1`,
    [Math.max(72, hours), limit],
  );
  return gone.length;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, entry]) => `${JSON.stringify(name)}:${canonical(entry)}`).join(',')}}`;
  }
  return typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'null');
}
