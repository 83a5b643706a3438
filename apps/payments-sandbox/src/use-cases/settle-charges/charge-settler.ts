// Carries out charges whose time has come. They are rows with due times, so a restart forgets none; the lock of the intent's
// row makes two processes at the same charge harmless.
import type { Clock } from '@gravity/kernel';
import { CLOCK, Loop } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import pMap from 'p-map';
import { type ScheduledCharge, settleCharge } from '../../domain/intent';
import { IntentRepository } from '../../storage/intent.repository';
import { CallbackDispatcher } from '../deliver-callbacks/callback-dispatcher';

const POLL_MS = 200;
const BATCH = 100;
/** Charges written at the same time. */
const IN_FLIGHT_MAX = 8;

@Injectable()
export class ChargeSettler extends Loop {
  constructor(
    private readonly intents: IntentRepository,
    private readonly dispatcher: CallbackDispatcher,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super({ name: 'charges', pauseMs: POLL_MS });
  }

  protected override async turn(): Promise<number | void> {
    const due = await this.intents.dueCharges(this.clock.nowMs(), BATCH);
    await pMap(due, (charge) => this.settle(charge), { concurrency: IN_FLIGHT_MAX });
    if (due.length > 0) this.dispatcher.wake();
    if (due.length === BATCH) return 0;
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
