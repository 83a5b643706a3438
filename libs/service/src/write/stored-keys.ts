// Idempotency keys with what they answer. A row is written in the transaction of its effect, so both exist or neither.
// A second request with the same key waits on the primary key until the first has ended.
import { type Problem, ProblemError } from '@gravity/contracts';
import { fingerprintOf } from '@gravity/http';
import { assert } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';

/** Tells this release's fingerprints from those of earlier ones, which digested other parts of a request. */
const FINGERPRINT_VERSION = 'f2:';

/** One key of one caller for one operation. */
export interface Key {
  /** Keys of different callers never meet. */
  readonly caller: string;
  readonly operation: string;
  readonly key: string;
  /** See {@link versionedFingerprint}. */
  readonly fingerprint: string;
}

/** What a repeated request gets: the answer itself, or the object to build it from. */
export type StoredAnswer = { readonly body: unknown } | { readonly objectId: string };

/** A key that is in use: answered, or held by a write that asks another system. */
export type UsedKey =
  | { readonly state: 'answered'; readonly answer: StoredAnswer }
  | { readonly state: 'running'; readonly retryAfterSeconds: number }
  | { readonly state: 'abandoned'; readonly recorded: unknown };

interface KeyRow {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly body: unknown;
  readonly object_id: string | null;
  readonly recorded: unknown;
  readonly same: boolean | null;
  readonly lease_seconds: number | null;
}

const WHERE = 'WHERE caller = $1 AND operation = $2 AND key = $3';
const place = (key: Key): unknown[] => [key.caller, key.operation, key.key];

/** A digest of what a request asks for: its input and the versions it accepts. */
export function versionedFingerprint(input: unknown, ifMatch: unknown): string {
  return `${FINGERPRINT_VERSION}${fingerprintOf({ input, ifMatch })}`;
}

/**
 * Takes the key for this transaction; undefined means that it is ours and new. Throws `idempotency-key-reused` when it
 * belongs to another request. Fingerprints of an earlier release cannot be compared: their answers are replayed.
 */
export async function takeKey(tx: Tx, key: Key): Promise<UsedKey | undefined> {
  const taken = await tx.query(
    `INSERT INTO idempotency_key (caller, operation, key, fingerprint) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING 1`,
    [...place(key), key.fingerprint],
  );
  if (taken.length > 0) return undefined;
  const row = await lockKey(tx, key);
  // Pruned between the two statements, or left behind by a write that cannot be resumed.
  if (row === undefined) return { state: 'running', retryAfterSeconds: 1 };
  if (row.fingerprint.startsWith(FINGERPRINT_VERSION) && row.fingerprint !== key.fingerprint) {
    throw new ProblemError({
      code: 'idempotency-key-reused',
      detail: 'Use a new Idempotency-Key for a different request.',
    });
  }
  return usedKey(row);
}

/** How a key stands for a process that comes back from its call. */
export type KeyAfterCall =
  | { readonly state: 'ours' }
  | { readonly state: 'answered'; readonly answer: StoredAnswer }
  /** Another process has taken over and freed the key; it may be in use for another attempt. */
  | { readonly state: 'gone' };

/** Looks at the key after the call that this record describes. Locks the row until the transaction ends. */
export async function keyAfterCall(tx: Tx, key: Key, recorded: object): Promise<KeyAfterCall> {
  const row = await lockKey(tx, key, recorded);
  const used = row && usedKey(row);
  if (used?.state === 'answered') return used;
  return { state: row?.same === true ? 'ours' : 'gone' };
}

/** Stores the answer with its key. */
export async function storeAnswer(tx: Tx, key: Key, status: number, answer: StoredAnswer): Promise<void> {
  const [body, objectId] = 'body' in answer ? [JSON.stringify(answer.body), null] : [null, answer.objectId];
  await tx.query(
    `UPDATE idempotency_key SET status = $4, body = $5, object_id = $6, recorded = NULL, lease_until = NULL ${WHERE}`,
    [...place(key), status, body, objectId],
  );
}

/** A key that is held while a call is made. */
export interface HeldKey {
  /** What the call needs. */
  readonly recorded: object;
  /** When the hold ends, as Postgres prints it. */
  readonly until: string;
}

/** Holds the key for so long and stores what the call needs; without a record, the one that is stored stays. */
export async function holdKey(tx: Tx, key: Key, leaseMs: number, recorded?: object): Promise<HeldKey> {
  const [held] = await tx.query<HeldKey>(
    `UPDATE idempotency_key
        SET recorded = coalesce($4::jsonb, recorded), lease_until = now() + $5 * interval '1 millisecond'
      ${WHERE} RETURNING recorded, lease_until::text AS until`,
    [...place(key), recorded === undefined ? null : JSON.stringify(recorded), leaseMs],
  );
  assert(held !== undefined, 'a key that was taken is there');
  return held;
}

/** Lets the next request with the key take over at once, unless another process has taken over already. */
export async function releaseKey(tx: Pick<Tx, 'query'>, key: Key, { until }: HeldKey): Promise<void> {
  await tx.query(
    `UPDATE idempotency_key SET lease_until = now() ${WHERE} AND status IS NULL AND lease_until = $4::timestamptz`,
    [...place(key), until],
  );
}

/** Forgets the key: the same request may be made anew. */
export async function freeKey(tx: Tx, key: Key): Promise<void> {
  await tx.query(`DELETE FROM idempotency_key ${WHERE}`, place(key));
}

/** The refusal while another request with the key is at work. */
export function keyInProgress(retryAfterSeconds: number): Problem {
  return { code: 'idempotency-key-in-progress', detail: 'Repeat the request in a moment.', retryAfterSeconds };
}

async function lockKey(tx: Tx, key: Key, recorded?: object): Promise<KeyRow | undefined> {
  const [row] = await tx.query<KeyRow>(
    `SELECT fingerprint, status, body, object_id, recorded, recorded = $4::jsonb AS same,
            extract(epoch FROM lease_until - now())::float8 AS lease_seconds
       FROM idempotency_key ${WHERE} FOR UPDATE`,
    [...place(key), recorded === undefined ? null : JSON.stringify(recorded)],
  );
  return row;
}

function usedKey(row: KeyRow): UsedKey {
  if (row.status !== null) {
    const answer = row.object_id === null ? { body: row.body } : { objectId: row.object_id };
    return { state: 'answered', answer };
  }
  const left = row.lease_seconds ?? 0;
  if (row.recorded === null || left > 0) return { state: 'running', retryAfterSeconds: Math.max(1, Math.ceil(left)) };
  return { state: 'abandoned', recorded: row.recorded };
}
