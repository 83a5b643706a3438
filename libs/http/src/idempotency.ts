// Repeatable commands: the key is stored in the transaction of its effect, so both are committed or neither is. A
// second request with the same key waits for the first at the unique index, and then gets the first one's answer.
import { createHash } from 'node:crypto';
import type { Problem } from '@gravity/contracts';
import { err, ok, type Result } from '@gravity/kernel';
import type { HttpReply } from './fastify-types';

/** The part of a transaction that this file uses. */
export interface IdempotencyTx {
  /** Rows of one statement inside the open transaction; rejects with the driver's error. */
  query<T>(text: string, params?: readonly unknown[]): Promise<T[]>;
}

export interface IdempotentCommand {
  /** Keys of different callers are independent. */
  readonly caller: string;
  readonly operation: string;
  readonly key: string;
  /** See {@link fingerprintOf}. */
  readonly fingerprint: string;
}

export interface StoredAnswer<B> {
  readonly status: number;
  readonly body: B;
}

export interface IdempotentAnswer<B> extends StoredAnswer<B> {
  readonly replayed: boolean;
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

/**
 * Runs a command once per key. A repeated request gets the stored answer; another request with the same key is refused
 * with
 * 422. A refusal or an exception of the work stores nothing, so the key stays usable. The answer's body must be plain
 * JSON. Call it inside a READ COMMITTED transaction, before other statements.
 */
export async function runIdempotent<B>(
  tx: IdempotencyTx,
  command: IdempotentCommand,
  work: () => Promise<Result<StoredAnswer<B>, Problem>>,
): Promise<Result<IdempotentAnswer<B>, Problem>> {
  const place = [command.caller, command.operation, command.key];
  const won = await tx.query(
    'INSERT INTO idempotency_key (caller, operation, key, fingerprint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1',
    [...place, command.fingerprint],
  );
  if (won.length === 0) return replay(tx, command);
  const result = await work();
  if (!result.ok) {
    await tx.query('DELETE FROM idempotency_key WHERE caller = $1 AND operation = $2 AND key = $3', place);
    return result;
  }
  await tx.query(
    'UPDATE idempotency_key SET status = $4, body = $5 WHERE caller = $1 AND operation = $2 AND key = $3',
    [...place, result.value.status, JSON.stringify(result.value.body)],
  );
  return ok({ ...result.value, replayed: false });
}

/** Deletes keys older than the given number of hours (at least 72), at most `limit`. Returns the number of rows. */
export async function pruneIdempotency(tx: IdempotencyTx, hours: number, limit: number): Promise<number> {
  const gone = await tx.query(
    `DELETE FROM idempotency_key WHERE ctid IN (
       SELECT ctid FROM idempotency_key WHERE created_at < now() - make_interval(hours => $1) LIMIT $2 FOR UPDATE SKIP LOCKED
     ) RETURNING 1`,
    [Math.max(72, hours), limit],
  );
  return gone.length;
}

/** Sets status and `Idempotent-Replayed` for an answer of {@link runIdempotent} and returns its body. */
export function idempotentBody<B>(reply: HttpReply, answer: IdempotentAnswer<B>): B {
  reply.code(answer.status);
  if (answer.replayed) reply.header('idempotent-replayed', 'true');
  return answer.body;
}

async function replay<B>(tx: IdempotencyTx, command: IdempotentCommand): Promise<Result<IdempotentAnswer<B>, Problem>> {
  const [row] = await tx.query<{ fingerprint: string; status: number | null; body: B }>(
    'SELECT fingerprint, status, body FROM idempotency_key WHERE caller = $1 AND operation = $2 AND key = $3',
    [command.caller, command.operation, command.key],
  );
  if (row === undefined || row.status === null) {
    // The first request was rolled back between the two statements.
    return err({
      code: 'idempotency-key-in-progress',
      detail: 'Repeat the request in a moment.',
      retryAfterSeconds: 1,
    });
  }
  if (row.fingerprint !== command.fingerprint) {
    return err({ code: 'idempotency-key-reused', detail: 'Use a new Idempotency-Key for a different request.' });
  }
  return ok({ status: row.status, body: row.body, replayed: true });
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
