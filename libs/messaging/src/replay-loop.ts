// Handles dead letters again: those that an operator has marked, and those that only wait behind others. It always
// takes the first of a key.
import { sleep } from '@gravity/kernel';
import type { Database, Tx } from '@gravity/persistence';
import { DEAD_LETTER_COLUMNS, type StoredDeadLetter } from './dead-letters';
import type { HandlerRegistry } from './handlers';
import { type Incoming, parse, validated, type ValidatePayload } from './incoming';
import { type MessagingLog, reasonOf } from './log';
import { isDatabaseUnavailable, TransactionErrors } from './message-processor';

const TICK_MS = 500;
const PER_TICK_MAX = 200;

// SKIP LOCKED lets several processes share the work. While the first message of a key is locked, none of that key is
// taken.
const NEXT = `
  select ${DEAD_LETTER_COLUMNS} from dead_letters d
  where d.consumer = $1 and (d.status = 'REPLAY' or (d.status = 'PARKED' and d.attempts = 0))
    and not exists (
      select 1 from dead_letters before
      where before.consumer = d.consumer and before.topic = d.topic and before.key = d.key
        and before.status in ('PARKED', 'REPLAY') and before.id < d.id)
  order by d.id limit 1
  for update skip locked`;

/** Options of a replay loop: the consumer whose dead letters it handles. */
export interface ReplayOptions {
  readonly consumer: string;
  readonly database: Database;
  readonly handlers: HandlerRegistry;
  readonly validate?: ValidatePayload | undefined;
  readonly log: MessagingLog;
}

/** Handles the dead letters of one consumer in the background. Not a Loop of the kit: it starts and ends with its consumer. */
export class ReplayLoop {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: ReplayOptions) {}

  /** Starts the loop. Postgres may be down. */
  start(): void {
    this.running ??= this.loop();
  }

  /** Ends the loop after its current message. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Handles the messages that can be handled, at most 200. Returns the number that succeeded. */
  async tick(): Promise<number> {
    let replayed = 0;
    for (let count = 0; count < PER_TICK_MAX && !this.stopping.signal.aborted; count += 1) {
      const result = await this.next();
      if (result === 'none') break;
      if (result === 'replayed') replayed += 1;
    }
    return replayed;
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.tick().catch((error: unknown) => {
        this.options.log.warn('dead letters cannot be read', {
          consumer: this.options.consumer,
          error: reasonOf(error),
        });
      });
      await sleep(TICK_MS, this.stopping.signal);
    }
  }

  private async next(): Promise<'none' | 'replayed' | 'failed'> {
    const errors = new TransactionErrors();
    let letter: StoredDeadLetter | undefined;
    try {
      await this.options.database.transaction(async (tx) => {
        [letter] = await tx.query<StoredDeadLetter>(NEXT, [this.options.consumer]);
        if (letter) await this.apply(errors.watch(tx), letter);
      });
      return letter ? 'replayed' : 'none';
    } catch (thrown) {
      const error = errors.causeOf(thrown);
      if (!letter || isDatabaseUnavailable(error)) throw error;
      await this.failed(letter, reasonOf(error));
      return 'failed';
    }
  }

  private async apply(tx: Tx, letter: StoredDeadLetter): Promise<void> {
    const message = messageOf(letter, this.options.validate);
    if (message.fault !== undefined) throw new Error(message.fault);
    if (!this.options.handlers.has(letter.type)) throw new Error(`no handler for ${letter.type}`);
    const fresh = await tx.query(
      'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning 1',
      [this.options.consumer, letter.eventId],
    );
    if (fresh.length > 0) await this.options.handlers.call(tx, [message]);
    await tx.query(`update dead_letters set status = 'REPLAYED', updated_at = now() where id = $1`, [letter.id]);
  }

  /** Returns the message to the operator, with the new reason. */
  private async failed(letter: StoredDeadLetter, reason: string): Promise<void> {
    const { consumer, eventId, type, key } = letter;
    this.options.log.error('dead letter failed again', { consumer, eventId, type, key, reason });
    await this.options.database.query(
      `update dead_letters set status = 'PARKED', attempts = attempts + 1, reason = $2, updated_at = now()
       where id = $1 and status in ('PARKED', 'REPLAY')`,
      [letter.id, reason.replaceAll('\u0000', '\ufffd')],
    );
  }
}

/** The message as it was received, checked again: the fault may have been in the schema. */
function messageOf(letter: StoredDeadLetter, validate: ValidatePayload | undefined): Incoming {
  const { headers, payload: text, eventId, type, topic, partition, key } = letter;
  const envelope = {
    ...{ eventId, type, topic, partition, key },
    offset: String(letter.offset),
    source: headers['ce_source'],
    time: headers['ce_time'],
    traceparent: headers['traceparent'],
  };
  const hasIds = headers['ce_id'] !== undefined && headers['ce_type'] !== undefined;
  const parsed = hasIds ? parse(text) : { payload: undefined, fault: 'the message has no ce_id or no ce_type header' };
  return validated({ envelope, headers, text, ...parsed }, validate);
}
