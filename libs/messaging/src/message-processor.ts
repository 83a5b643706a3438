// Applies messages of one topic, those of a partition in order. A chunk is one transaction: inbox, effects, parked messages. When it
// fails, its messages are tried one by one; one that keeps failing is parked, and later ones of its key behind it.
import { types } from 'node:util';
import { backoffMs } from '@gravity/kernel';
import { classifyDatabaseError, type Database, sqlState, type Tx } from '@gravity/persistence';
import type { HandlerRegistry } from './handlers';
import { admit, keyIdOf } from './inbox';
import { type Incoming, validated, type ValidatePayload } from './incoming';
import { type MessagingLog, reasonOf } from './log';
import { park, type Parking } from './parking';
import { Interrupted, type Pulse } from './pulse';

const CHUNK_RETRIES = 2;
const BACKOFF_BASE_MS = 20;
const BACKOFF_MAX_MS = 5_000;
/** A statement or lock that ran into its time limit: the message may be the cause, so it counts as its failure. */
const TIME_LIMIT_STATES = ['57014', '55P03', '25P03', '25P04'];

export interface ProcessorOptions {
  readonly consumer: string;
  readonly database: Database;
  readonly handlers: HandlerRegistry;
  readonly validate?: ValidatePayload | undefined;
  /** How often one message is tried before it is parked. */
  readonly attemptsMax: number;
  readonly log: MessagingLog;
}

/** What became of messages. */
export interface Outcome {
  applied: number;
  duplicates: number;
  parked: number;
  /** Of a type nobody handles. */
  skipped: number;
}

export class MessageProcessor {
  constructor(private readonly options: ProcessorOptions) {}

  /**
   * Settles all messages: applied, known, parked or skipped. While the database is out of reach it waits and tries
   * again; nothing is parked for that. Rejects only with {@link Interrupted}, or with what the pulse rejects.
   */
  async process(messages: readonly Incoming[], pulse: Pulse): Promise<Outcome> {
    const handled = messages.filter(
      ({ envelope, fault }) => fault !== undefined || this.options.handlers.has(envelope.type),
    );
    const skipped = messages.length - handled.length;
    if (handled.length === 0) return { applied: 0, duplicates: 0, parked: 0, skipped };
    const checked = handled.map((message) => validated(message, this.options.validate));
    const outcome = (await this.tryChunk(checked, pulse)) ?? (await this.oneByOne(checked, pulse));
    return { ...outcome, skipped };
  }

  /** Undefined when the chunk cannot be applied as a whole. */
  private async tryChunk(messages: readonly Incoming[], pulse: Pulse): Promise<Outcome | undefined> {
    for (let failures = 0; failures <= CHUNK_RETRIES;) {
      try {
        return await this.persistently(pulse, (tx) => this.apply(tx, messages));
      } catch (error) {
        if (error instanceof Interrupted || !(error instanceof Failure)) throw error;
        // A conflict with another transaction may be gone at once; other failures stay.
        if (classifyDatabaseError(error.cause) !== 'conflict') return undefined;
        failures += 1;
        await pulse.wait(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
      }
    }
    return undefined;
  }

  private async oneByOne(messages: readonly Incoming[], pulse: Pulse): Promise<Outcome> {
    const total: Outcome = { applied: 0, duplicates: 0, parked: 0, skipped: 0 };
    for (const message of messages) {
      const outcome = await this.tryOne(message, pulse);
      total.applied += outcome.applied;
      total.duplicates += outcome.duplicates;
      total.parked += outcome.parked;
    }
    return total;
  }

  private async tryOne(message: Incoming, pulse: Pulse): Promise<Outcome> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.persistently(pulse, (tx) => this.apply(tx, [message]));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const reason = reasonOf(error.cause);
        const { eventId, type, key } = message.envelope;
        if (attempts >= this.options.attemptsMax) {
          this.options.log.error('message parked', {
            consumer: this.options.consumer,
            eventId,
            type,
            key,
            reason,
            attempts,
          });
          const parked = await this.persistently(pulse, (tx) =>
            park(tx, this.options.consumer, [{ message, reason, attempts }]),
          );
          return { applied: 0, duplicates: 0, parked, skipped: 0 };
        }
        this.options.log.warn('message failed, trying again', {
          consumer: this.options.consumer,
          eventId,
          type,
          reason,
          attempts,
        });
        await pulse.wait(backoffMs(attempts, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
      }
    }
  }

  /** One transaction over all messages. */
  private async apply(tx: Tx, messages: readonly Incoming[]): Promise<Outcome> {
    const parkings = new Map<Incoming, Parking>();
    const blockedKeys = new Set<string>();
    const candidates: Incoming[] = [];
    for (const message of messages) {
      const keyId = keyIdOf(message.envelope.topic, message.envelope.key);
      if (message.fault !== undefined) {
        parkings.set(message, { message, reason: message.fault, attempts: 1 });
        if (keyId !== undefined) blockedKeys.add(keyId);
      } else if (keyId !== undefined && blockedKeys.has(keyId)) parkings.set(message, behind(message));
      else candidates.push(message);
    }
    const { fresh, seen, blocked } = await admit(tx, this.options.consumer, candidates);
    for (const message of blocked) parkings.set(message, behind(message));
    await this.options.handlers.call(tx, fresh);
    const inOrder = messages.flatMap((message) => parkings.get(message) ?? []);
    const parked = await park(tx, this.options.consumer, inOrder);
    return { applied: fresh.length, duplicates: seen.length + inOrder.length - parked, parked, skipped: 0 };
  }

  /**
   * Runs a transaction until it gets through to the database. Failures of the work itself come out as {@link Failure}.
   * An unknown outcome is repeated too: the inbox tells whether it was committed.
   */
  private async persistently<T>(pulse: Pulse, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures += 1) {
      if (!pulse.alive()) throw new Interrupted();
      const errors = new ErrorsOfTransaction();
      try {
        return await this.options.database.transaction((tx) => work(errors.watch(tx)));
      } catch (thrown) {
        const error = errors.causeOf(thrown);
        if (!isAbsence(error)) throw new Failure('work failed', { cause: error });
        this.options.log.warn('database out of reach, waiting', {
          consumer: this.options.consumer,
          error: reasonOf(error),
          failures,
        });
        await pulse.wait(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
      }
    }
  }
}

function behind(message: Incoming): Parking {
  return { message, reason: 'waits behind parked messages of its key', attempts: 0 };
}

/** True when the database, not the message, is the trouble. */
export function isAbsence(error: unknown): boolean {
  const kind = classifyDatabaseError(error);
  if (kind === 'overloaded') return !TIME_LIMIT_STATES.includes(sqlState(error) ?? '');
  return kind === 'unavailable' || kind === 'unknown-outcome';
}

/** The work of a transaction failed and was rolled back. */
class Failure extends Error {}

/** Remembers the database error under whatever a framework makes of a handler's exception. */
export class ErrorsOfTransaction {
  private last: unknown;

  watch(tx: Tx): Tx {
    const remember = (error: unknown): never => {
      this.last = error;
      throw error;
    };
    return {
      query: <T>(text: string, params?: readonly unknown[], name?: string) =>
        tx.query<T>(text, params, name).catch(remember),
      get manager() {
        return tx.manager;
      },
    };
  }

  /** The exception itself; the database error before it when the exception is not one (Nest's `{status, message}`). */
  causeOf(thrown: unknown): unknown {
    return types.isNativeError(thrown) || this.last === undefined ? thrown : this.last;
  }
}
