// What the handler of a write returns: not an answer, but what is to be done once its input was validated. The
// interceptor that `@Operation` binds does it, with key, transaction, precondition and audit record around it.
import type { Problem } from '@gravity/contracts';
import type { VersionMatch } from '@gravity/http';
import type { Result } from '@gravity/kernel';
import type { Tx } from '@gravity/persistence';

export interface WriteOptions<V> {
  /** The id of the object that an answer is about, for the audit record and for replays by reference. Default: `id`. */
  readonly objectId?: (answer: V) => string;
  /** Why it is done, in the operator's words, for the audit record. */
  readonly reason?: string;
  /**
   * Builds the answer to a repeated request from the object. The key's row then holds the object's id and no copy of the
   * answer. For answers with personal data. An object that has changed since answers as it is.
   */
  readonly replay?: (tx: Tx, objectId: string) => Promise<Result<V, Problem>>;
  /**
   * Runs after the commit and before the answer; not for a replay. A process that dies before it leaves it out, so a
   * worker does the same by itself in the end. A rejection reaches the caller, who repeats the request.
   */
  readonly committed?: (answer: V) => Promise<void> | void;
  /** The Idempotency-Key of a gRPC message. REST takes it from the header. */
  readonly idempotencyKey?: string;
  /** The versions that a gRPC message accepts. REST takes them from If-Match. */
  readonly ifMatch?: VersionMatch;
}

/** A write that is one transaction: see {@link transactional}. */
export class Transactional<V> {
  constructor(
    readonly input: unknown,
    readonly work: (tx: Tx, ifMatch: VersionMatch) => Promise<Result<V, Problem>>,
    readonly options: WriteOptions<V>,
  ) {}
}

/** The three steps of a write that asks another system: see {@link external}. */
export interface ExternalSteps<V, R extends object, O> extends WriteOptions<V> {
  /** What the caller asks for: path and body. */
  readonly input: unknown;
  /**
   * First transaction: decides, and stores that the other system will be asked. Returns what the call needs, as plain
   * JSON without personal data, the key under which the other system recognises a repetition among it.
   */
  readonly record: (tx: Tx, ifMatch: VersionMatch) => Promise<Result<R, Problem>>;
  /**
   * Asks the other system; no transaction is open. Repeated with the same record after a crash. A refusal of the other
   * system is an outcome; a rejection says that the outcome is not known. The signal ends the call.
   */
  readonly call: (recorded: R, signal: AbortSignal) => Promise<O>;
  /** Second transaction: stores the outcome. A refusal is committed too, and frees the key. */
  readonly settle: (tx: Tx, recorded: R, outcome: O) => Promise<Result<V, Problem>>;
  /** How long the call may take, in milliseconds. Default 20 seconds. */
  readonly callTimeoutMs?: number;
}

/** A write that asks another system: see {@link external}. */
export class External<V, R extends object = object, O = unknown> {
  constructor(readonly steps: ExternalSteps<V, R, O>) {}
}

/** What the handler of a write returns. */
export type Write<V> = Transactional<V> | External<V>;

/**
 * A write in one transaction. `input` is what the caller asks for (path and body): the same key with another input is
 * refused. The work is repeated after a serialization failure, so it has no effect outside the transaction. Its refusal
 * rolls everything back.
 */
export function transactional<V>(
  input: unknown,
  work: (tx: Tx, ifMatch: VersionMatch) => Promise<Result<V, Problem>>,
  options: WriteOptions<V> = {},
): Write<V> {
  return new Transactional(input, work, options);
}

/**
 * A write that asks another system between two transactions. A process that dies after `record` or after `call` leaves a
 * key that the repeated request takes over: it calls again with the same record, and settles once. The operation must
 * be idempotent.
 */
export function external<V, R extends object, O>(steps: ExternalSteps<V, R, O>): Write<V> {
  return new External(steps as unknown as ExternalSteps<V, object, unknown>);
}
