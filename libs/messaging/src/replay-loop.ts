// Handles parked messages again: those an operator marked REPLAY, and those that only waited behind others, always the
// first of their key.
import { sleep } from '@gravity/kernel';
import type { Database, Tx } from '@gravity/persistence';
import type { HandlerRegistry } from './handlers';
import { type Incoming, parse, validated, type ValidatePayload } from './incoming';
import { type MessagingLog, reasonOf } from './log';
import { ErrorsOfTransaction, isAbsence } from './message-processor';
import { PARKED_COLUMNS, type ParkedMessage } from './parking';

const TICK_MS = 500;
const PER_TICK_MAX = 200;

// SKIP LOCKED: several processes share the work; a locked first message of a key keeps the whole key out of reach.
const NEXT = `
  select ${PARKED_COLUMNS} from parked_messages p
  where p.consumer = $1 and (p.status = 'REPLAY' or (p.status = 'PARKED' and p.attempts = 0))
    and not exists (
      select 1 from parked_messages before
      where before.consumer = p.consumer and before.topic = p.topic and before.key = p.key
        and before.status in ('PARKED', 'REPLAY') and before.id < p.id)
  order by p.id limit 1
  for update skip locked`;

export interface ReplayOptions {
  readonly consumer: string;
  readonly database: Database;
  readonly handlers: HandlerRegistry;
  readonly validate?: ValidatePayload | undefined;
  readonly log: MessagingLog;
}

/** Not a Loop of the kit: it lives and ends with its consumer, in a library below the kit. */
export class ReplayLoop {
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: ReplayOptions) {}

  start(): void {
    this.running ??= this.loop();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  /** Handles what can be handled now, at most 200 messages. Returns how many succeeded. */
  async tick(): Promise<number> {
    let replayed = 0;
    for (let count = 0; count < PER_TICK_MAX && !this.ending.signal.aborted; count += 1) {
      const result = await this.next();
      if (result === 'none') break;
      if (result === 'replayed') replayed += 1;
    }
    return replayed;
  }

  private async loop(): Promise<void> {
    while (!this.ending.signal.aborted) {
      await this.tick().catch((error: unknown) => {
        this.options.log.warn('parked messages out of reach', {
          consumer: this.options.consumer,
          error: reasonOf(error),
        });
      });
      await sleep(TICK_MS, this.ending.signal);
    }
  }

  private async next(): Promise<'none' | 'replayed' | 'failed'> {
    const errors = new ErrorsOfTransaction();
    let parked: ParkedMessage | undefined;
    try {
      await this.options.database.transaction(async (tx) => {
        [parked] = await tx.query<ParkedMessage>(NEXT, [this.options.consumer]);
        if (parked) await this.apply(errors.watch(tx), parked);
      });
      return parked ? 'replayed' : 'none';
    } catch (thrown) {
      const error = errors.causeOf(thrown);
      if (!parked || isAbsence(error)) throw error;
      await this.failed(parked, reasonOf(error));
      return 'failed';
    }
  }

  private async apply(tx: Tx, parked: ParkedMessage): Promise<void> {
    const message = this.messageOf(parked);
    if (message.fault !== undefined) throw new Error(message.fault);
    if (!this.options.handlers.has(parked.type)) throw new Error(`nobody handles ${parked.type}`);
    const fresh = await tx.query(
      'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning 1',
      [this.options.consumer, parked.eventId],
    );
    if (fresh.length > 0) await this.options.handlers.call(tx, [message]);
    await tx.query(`update parked_messages set status = 'REPLAYED', updated_at = now() where id = $1`, [parked.id]);
  }

  /** Back to the operator, with the new reason. */
  private async failed(parked: ParkedMessage, reason: string): Promise<void> {
    const { consumer, eventId, type, key } = parked;
    this.options.log.error('parked message failed again', { consumer, eventId, type, key, reason });
    await this.options.database.query(
      `update parked_messages set status = 'PARKED', attempts = attempts + 1, reason = $2, updated_at = now()
       where id = $1 and status in ('PARKED', 'REPLAY')`,
      [parked.id, reason.replaceAll('\u0000', '\ufffd')],
    );
  }

  private messageOf(parked: ParkedMessage): Incoming {
    const { headers, payload: text, eventId, type, topic, partition, key } = parked;
    const envelope = {
      ...{ eventId, type, topic, partition, key },
      offset: String(parked.offset),
      source: headers['ce_source'],
      time: headers['ce_time'],
      traceparent: headers['traceparent'],
    };
    const hasIds = headers['ce_id'] !== undefined && headers['ce_type'] !== undefined;
    const parsed = hasIds
      ? parse(text)
      : { payload: undefined, fault: 'the message has no ce_id or no ce_type header' };
    return validated({ envelope, headers, text, ...parsed }, this.options.validate);
  }
}
