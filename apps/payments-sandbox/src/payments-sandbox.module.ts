// Wiring only: the table of contents of the sandbox provider.
import { APP_LOGGER } from '@gravity/http';
import { type Clock, type Environment, systemClock } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import { Database, openDatabase, serviceDatabaseUrl } from '@gravity/persistence';
import { type DynamicModule, Module } from '@nestjs/common';
import { SANDBOX_CONFIG, readSandboxConfig } from './sandbox-config';
import { ServerKeyGuard } from './server-key.guard';
import { DeliveryRepository } from './storage/delivery.repository';
import { IntentRepository } from './storage/intent.repository';
import { CLOCK } from './tokens';
import { CancelIntentHttp } from './use-cases/cancel-intent/cancel-intent.http';
import { CancelIntent } from './use-cases/cancel-intent/cancel-intent.use-case';
import { ConfirmIntentHttp } from './use-cases/confirm-intent/confirm-intent.http';
import { ConfirmIntent } from './use-cases/confirm-intent/confirm-intent.use-case';
import { CreateIntentHttp } from './use-cases/create-intent/create-intent.http';
import { CreateIntent } from './use-cases/create-intent/create-intent.use-case';
import { CreateRefundHttp } from './use-cases/create-refund/create-refund.http';
import { CreateRefund } from './use-cases/create-refund/create-refund.use-case';
import { CallbackDispatcher } from './use-cases/deliver-callbacks/callback-dispatcher';
import { ReadDeliveriesHttp } from './use-cases/read-deliveries/read-deliveries.http';
import { ReadIntentsHttp } from './use-cases/read-intents/read-intents.http';
import { ChargeSettler } from './use-cases/settle-charges/charge-settler';
import { Workers } from './workers';

export const SERVICE = 'payments-sandbox';

@Module({})
export class PaymentsSandboxModule {
  /** The module configured from the environment; throws ConfigurationError. */
  static forRoot(env: Environment): DynamicModule {
    const config = readSandboxConfig(env);
    const url = serviceDatabaseUrl(env, SERVICE);
    return {
      module: PaymentsSandboxModule,
      controllers: [
        CreateIntentHttp,
        ReadIntentsHttp,
        CancelIntentHttp,
        ConfirmIntentHttp,
        CreateRefundHttp,
        ReadDeliveriesHttp,
      ],
      providers: [
        { provide: SANDBOX_CONFIG, useValue: config },
        { provide: CLOCK, useValue: systemClock },
        { provide: Database, useFactory: () => openDatabase({ url, applicationName: SERVICE }) },
        {
          provide: CallbackDispatcher,
          inject: [DeliveryRepository, CLOCK, APP_LOGGER],
          useFactory: (deliveries: DeliveryRepository, clock: Clock, log: AppLogger) =>
            new CallbackDispatcher(deliveries, config, clock, log),
        },
        {
          provide: ChargeSettler,
          inject: [IntentRepository, CallbackDispatcher, CLOCK, APP_LOGGER],
          useFactory: (intents: IntentRepository, dispatcher: CallbackDispatcher, clock: Clock, log: AppLogger) =>
            new ChargeSettler(intents, dispatcher, clock, log),
        },
        IntentRepository,
        DeliveryRepository,
        ServerKeyGuard,
        CreateIntent,
        CancelIntent,
        ConfirmIntent,
        CreateRefund,
        Workers,
      ],
    };
  }
}
