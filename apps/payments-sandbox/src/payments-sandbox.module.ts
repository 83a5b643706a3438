// The sandbox provider's parts.
import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { SERVICE } from './sandbox-config';
import { ServerKeyGuard } from './server-key.guard';
import { DeliveryRepository } from './storage/delivery.repository';
import { IntentRepository } from './storage/intent.repository';
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

@Module({
  imports: [coreOf(SERVICE)],
  controllers: [
    CreateIntentHttp,
    ReadIntentsHttp,
    CancelIntentHttp,
    ConfirmIntentHttp,
    CreateRefundHttp,
    ReadDeliveriesHttp,
  ],
  providers: [
    IntentRepository,
    DeliveryRepository,
    ServerKeyGuard,
    CreateIntent,
    CancelIntent,
    ConfirmIntent,
    CreateRefund,
    CallbackDispatcher,
    ChargeSettler,
  ],
})
export class PaymentsSandboxModule {}
