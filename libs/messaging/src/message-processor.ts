// Applies messages of one topic, each partition in order. A chunk is one transaction: inbox, effects, dead letters.
// When it fails, its messages are tried one by one. A message whose attempts fail becomes a dead letter, and later
// messages of its key wait behind it.
import { types } from 'node:util';
import { backoffMs } from '@gravity/kernel';
import { classifyDatabaseError, type Database, sqlState, type Tx } from '@gravity/persistence';
import { type DeadLetter, insertDeadLetters } from './dead-letters';
import type { HandlerRegistry } from './handlers';
import { type Heartbeat, InterruptedError } from './heartbeat';
import { admit, keyIdOf } from './inbox';
import { type Incoming, validated, type ValidatePayload } from './incoming';
import { type MessagingLog, reasonOf } from './log';

const CHUNK_RETRIES_MAX = 2;
const BACKOFF_BASE_MS = 20;
const BACKOFF_MAX_MS = 5_000;
/** A statement or lock that reached its time limit. The message may be the cause, so it counts as a failed attempt. */
const TIME_LIMIT_STATES = ['57014', '55P03', '25P03', '25P04'];

export interface ProcessorOptions {
  readonly consumer: string;
  readonly database: Database;
  readonly handlers: HandlerRegistry;
  readonly validate?: ValidatePayload | undefined;
  /** Attempts of one message before it becomes a dead letter. */
  readonly attemptsMax: number;
  readonly log: MessagingLog;
}

/** Counts of messages, by outcome. */
export interface Outcome {
  applied: number;
  duplicates: number;
  deadLetters: number;
  /** Their type has no handler. */
  skipped: number;
}

/** Settles messages in transactions; see {@link MessageProcessor.process}. */
export class MessageProcessor {
  constructor(private readonly options: ProcessorOptions) {}

  /**
   * Settles all messages: applied, known, dead letter or skipped. While the database is unavailable it waits and tries
   * again, and makes no dead letters. Rejects with {@link InterruptedError} alone.
   */
  async process(messages: readonly Incoming[], heartbeat: Heartbeat): Promise<Outcome> {
    const handled = messages.filter(
      ({ envelope, fault }) => fault !== undefined || this.options.handlers.has(envelope.type),
    );
    const skipped = messages.length - handled.length;
    if (handled.length === 0) return { applied: 0, duplicates: 0, deadLetters: 0, skipped };
    const checked = handled.map((message) => validated(message, this.options.validate));
    const outcome = (await this.tryChunk(checked, heartbeat)) ?? (await this.oneByOne(checked, heartbeat));
    return { ...outcome, skipped };
  }

  /** Undefined when the chunk cannot be applied as a whole. */
  private async tryChunk(messages: readonly Incoming[], heartbeat: Heartbeat): Promise<Outcome | undefined> {
    for (let failures = 0; failures <= CHUNK_RETRIES_MAX;) {
      try {
        return await this.untilDatabaseAnswers(heartbeat, (tx) => this.apply(tx, messages));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        // A conflict with another transaction may not come again; other failures do.
        if (classifyDatabaseError(error.cause) !== 'conflict') return undefined;
        failures += 1;
        await heartbeat.wait(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
      }
    }
    return undefined;
  }

  private async oneByOne(messages: readonly Incoming[], heartbeat: Heartbeat): Promise<Outcome> {
    const total: Outcome = { applied: 0, duplicates: 0, deadLetters: 0, skipped: 0 };
    for (const message of messages) {
      const outcome = await this.tryOne(message, heartbeat);
      total.applied += outcome.applied;
      total.duplicates += outcome.duplicates;
      total.deadLetters += outcome.deadLetters;
    }
    return total;
  }

  private async tryOne(message: Incoming, heartbeat: Heartbeat): Promise<Outcome> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.untilDatabaseAnswers(heartbeat, (tx) => this.apply(tx, [message]));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const reason = reasonOf(error.cause);
        const { eventId, type, key } = message.envelope;
        if (attempts >= this.options.attemptsMax) {
          this.options.log.error('message failed, stored as a dead letter', {
            consumer: this.options.consumer,
            eventId,
            type,
            key,
            reason,
            attempts,
          });
          const deadLetters = await this.untilDatabaseAnswers(heartbeat, (tx) =>
            insertDeadLetters(tx, this.options.consumer, [{ message, reason, attempts }]),
          );
          return { applied: 0, duplicates: 0, deadLetters, skipped: 0 };
        }
        this.options.log.warn('message failed, will be tried again', {
          consumer: this.options.consumer,
          eventId,
          type,
          reason,
          attempts,
        });
        await heartbeat.wait(backoffMs(attempts, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
      }
    }
  }

  /** One transaction over all messages. */
  private async apply(tx: Tx, messages: readonly Incoming[]): Promise<Outcome> {
    const letters = new Map<Incoming, DeadLetter>();
    const blockedKeys = new Set<string>();
    const candidates: Incoming[] = [];
    for (const message of messages) {
      const keyId = keyIdOf(message.envelope.topic, message.envelope.key);
      if (message.fault !== undefined) {
        letters.set(message, { message, reason: message.fault, attempts: 1 });
        if (keyId !== undefined) blockedKeys.add(keyId);
      } else if (keyId !== undefined && blockedKeys.has(keyId)) letters.set(message, behind(message));
      else candidates.push(message);
    }
    const { fresh, seen, blocked } = await admit(tx, this.options.consumer, candidates);
    for (const message of blocked) letters.set(message, behind(message));
    await this.options.handlers.call(tx, fresh);
    const inOrder = messages.flatMap((message) => letters.get(message) ?? []);
    const inserted = await insertDeadLetters(tx, this.options.consumer, inOrder);
    const duplicates = seen.length + inOrder.length - inserted;
    return { applied: fresh.length, duplicates, deadLetters: inserted, skipped: 0 };
  }

  /**
   * Repeats a transaction until the database has answered. A failure of the work itself is thrown as {@link Failure}. A
   * transaction with an unknown outcome is repeated too: after a commit, its messages are in the inbox.
   */
  private async untilDatabaseAnswers<T>(heartbeat: Heartbeat, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures += 1) {
      if (!heartbeat.alive()) throw new InterruptedError();
      const errors = new TransactionErrors();
      try {
        return await this.options.database.transaction((tx) => work(errors.watch(tx)));
      } catch (thrown) {
        const error = errors.causeOf(thrown);
        if (!isDatabaseUnavailable(error)) throw new Failure('work failed', { cause: error });
        this.options.log.warn('database unavailable, waiting', {
          consumer: this.options.consumer,
          error: reasonOf(error),
          failures,
        });
        await heartbeat.wait(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
      }
    }
  }
}

function behind(message: Incoming): DeadLetter {
  return { message, reason: 'waits behind dead letters of its key', attempts: 0 };
}

/** True when the database, not the message, is the cause of the error. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const kind = classifyDatabaseError(error);
  if (kind === 'overloaded') return !TIME_LIMIT_STATES.includes(sqlState(error) ?? '');
  return kind === 'unavailable' || kind === 'unknown-outcome';
}

/** The work of a transaction failed and was rolled back. */
class Failure extends Error {}

/** Keeps the last database error of a transaction: Nest replaces a handler's exception by `{status, message}`. */
export class TransactionErrors {
  private last: unknown;

  /** The same transaction; its errors are kept here. */
  watch(tx: Tx): Tx {
    const keep = (error: unknown): never => {
      this.last = error;
      throw error;
    };
    return {
      query: <T>(text: string, params?: readonly unknown[], name?: string) =>
        tx.query<T>(text, params, name).catch(keep),
      get manager() {
        return tx.manager;
      },
    };
  }

  /** The exception itself; the kept database error when the thrown value is not an Error. */
  causeOf(thrown: unknown): unknown {
    return types.isNativeError(thrown) || this.last === undefined ? thrown : this.last;
  }
}
