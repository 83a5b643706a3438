// Carries out charges whose time has come. They are rows with due times, so a restart forgets none; the version guard makes
// two processes at the same row harmless.
import type { Clock } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import pMap from 'p-map';
import { type ScheduledCharge, settleCharge } from '../../domain/intent';
import type { IntentRepository } from '../../storage/intent.repository';
import { Wakeup } from '../../wakeup';
import type { CallbackDispatcher } from '../deliver-callbacks/callback-dispatcher';

const POLL_MS = 200;
const BATCH = 100;
/** Charges written at the same time. */
const IN_FLIGHT_MAX = 8;
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
        await pMap(due, (charge) => this.settle(charge), { concurrency: IN_FLIGHT_MAX });
        if (due.length > 0) this.dispatcher.wake();
        if (due.length < BATCH) await this.wakeup.wait(POLL_MS);
      } catch (error) {
        this.log.warn('scheduled charges paused', { error });
        await this.wakeup.wait(PAUSE_AFTER_FAULT_MS);
      }
    }
  }

  private async settle(charge: ScheduledCharge): Promise<void> {
    const stored = await this.intents.find(charge.intentId);
    if (stored === undefined) return;
    const nowMs = this.clock.nowMs();
    const change = settleCharge(stored.intent, charge, nowMs);
    if (change === undefined) await this.intents.voidCharge(charge.chargeId, nowMs);
    // A lost race leaves the row due: the next look decides on what is true then.
    else await this.intents.save(stored.intent, change, nowMs, { charged: charge.chargeId });
  }
}
