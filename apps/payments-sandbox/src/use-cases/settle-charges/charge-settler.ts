// Carries out charges whose time has come. They are rows with due times, so a restart forgets none; the lock of the intent's
// row makes two processes at the same charge harmless.
import type { Clock } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import { type ScheduledCharge, settleCharge } from '../../domain/intent';
import type { IntentRepository } from '../../storage/intent.repository';
import { Wakeup } from '../../wakeup';
import type { CallbackDispatcher } from '../deliver-callbacks/callback-dispatcher';

const POLL_MS = 200;
const BATCH = 100;
/** Charges written at the same time. */
const CONCURRENCY = 8;
const PAUSE_AFTER_FAULT_MS = 500;

export class ChargeSettler {
  private readonly wakeup = new Wakeup();
  private loop: Promise<void> | undefined;
  private stopping = false;

  constructor(
    private readonly intents: IntentRepository,
    private readonly dispatcher: CallbackDispatcher,
    private readonly clock: Clock,
    private readonly log: AppLogger,
  ) {}

  /** Starts the loop; the database may still be away. */
  start(): void {
    this.loop ??= this.run();
  }

  /** Finishes the batch under way and stops. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeup.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        const due = await this.intents.dueCharges(this.clock.nowMs(), BATCH);
        for (let start = 0; start < due.length; start += CONCURRENCY) {
          await Promise.all(due.slice(start, start + CONCURRENCY).map((charge) => this.settle(charge)));
        }
        if (due.length > 0) this.dispatcher.wake();
        if (due.length < BATCH) await this.wakeup.wait(POLL_MS);
      } catch (error) {
        this.log.warn('scheduled charges paused', { error });
        await this.wakeup.wait(PAUSE_AFTER_FAULT_MS);
      }
    }
  }

  private async settle(charge: ScheduledCharge): Promise<void> {
    await this.intents.locked(charge.intentId, async ({ intent }, tx) => {
      const nowMs = this.clock.nowMs();
      const change = settleCharge(intent, charge, nowMs);
      if (change === undefined) await this.intents.voidCharge(tx, charge.chargeId, nowMs);
      else await this.intents.save(tx, change, nowMs, { charged: charge.chargeId });
    });
  }
}
