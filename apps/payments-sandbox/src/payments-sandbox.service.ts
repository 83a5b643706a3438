// The declaration of the sandbox payment provider.
import { defineService } from '@gravity/service';
import { PaymentsSandboxModule } from './payments-sandbox.module';
import { readSandboxConfig, SERVICE } from './sandbox-config';
import { CreateIntents1764000000000 } from './storage/migrations/1764000000000-create-intents';
import { CallbackDispatcher } from './use-cases/deliver-callbacks/callback-dispatcher';
import { ChargeSettler } from './use-cases/settle-charges/charge-settler';

export const paymentsSandboxService = defineService({
  name: SERVICE,
  config: readSandboxConfig,
  secrets: ['PAYMENTS_PROVIDER_KEY', 'PAYMENTS_WEBHOOK_SECRETS'],
  migrations: [CreateIntents1764000000000],
  // The keys stand in the intents and refunds that they made.
  idempotencyKeys: false,
  // Charges stop first, because they owe callbacks.
  workers: [CallbackDispatcher, ChargeSettler],
  features: [PaymentsSandboxModule],
});
