// The merchant's server announces a payment. The same Idempotency-Key gives the same intent in its present state.
import { type Problem, refuse } from '@gravity/contracts';
import { type Clock, type Money, type Result, money, ok } from '@gravity/kernel';
import { CLOCK } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { newClientSecret, newSandboxId, requestHash } from '../../sandbox-ids';
import { IntentRepository, type StoredIntent } from '../../storage/intent.repository';

export interface CreateIntentCommand {
  readonly orderId: string;
  readonly amount: Money;
  readonly expiresAtMs: number;
  readonly description: string;
  readonly idempotencyKey: string;
}

@Injectable()
export class CreateIntent {
  constructor(
    private readonly intents: IntentRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Refusals: `idempotency-key-reused`. */
  async execute(command: CreateIntentCommand): Promise<Result<StoredIntent & { isNew: boolean }, Problem>> {
    const { orderId, amount, expiresAtMs, description, idempotencyKey } = command;
    const hash = requestHash(orderId, amount.minor.toString(), amount.currency, expiresAtMs.toString(), description);
    const { stored, isNew } = await this.intents.insertOrFind(
      {
        intent: {
          intentId: newSandboxId('pi'),
          orderId,
          amount: money(amount.minor, amount.currency),
          status: 'PENDING',
          expiresAtMs,
          version: 1,
          refundedMinor: 0n,
        },
        clientSecret: newClientSecret(),
        requestHash: hash,
        idempotencyKey,
        description,
      },
      this.clock.nowMs(),
    );
    if (stored.requestHash !== hash) {
      return refuse('idempotency-key-reused', 'This Idempotency-Key created another intent. Use a new key.');
    }
    return ok({ ...stored, isNew });
  }
}
