// The declaration of the orders service.
import { protoPackage } from '@gravity/contracts';
import { defineService } from '@gravity/service';
import { ClaimsModule } from './claims.module';
import { ClockFollower } from './decision/clock-follower';
import { GateReconciler } from './gate/gate-reconciler';
import { PendingSweeper } from './gate/pending-sweeper';
import { ReturnsWorker } from './gate/returns-worker';
import { readOrdersConfig, SERVICE } from './orders-config';
import { PaymentsModule } from './payments.module';
import { OnSkuChanged } from './event-handlers/on-sku-changed';
import { RoundsModule } from './rounds.module';
import { ordersMigrations } from './storage/migrations';
import { OrderWatcher } from './use-cases/watch-order/order-watcher';
import { ConservationWatch } from './workers/conservation-watch';
import { ExpiryWorker } from './workers/expiry';
import { FreeOrdersWorker } from './workers/free-orders';
import { RefundsWorker } from './workers/refunds';
import { RoundGenerator } from './workers/round-generator';
import { RoundLifecycle } from './workers/round-lifecycle';

const DAY_MS = 24 * 3_600_000;

export const ordersService = defineService({
  name: SERVICE,
  config: readOrdersConfig,
  secrets: ['PAYMENTS_PROVIDER_KEY', 'PAYMENTS_WEBHOOK_SECRETS'],
  poolSize: 16,
  grpc: protoPackage('orders'),
  migrations: ordersMigrations,
  handlers: [OnSkuChanged],
  // The clock comes first: openings are judged by it. Loops that update the gate stop after those that write for it.
  workers: [
    ...[ClockFollower, GateReconciler, ReturnsWorker, PendingSweeper],
    ...[RoundGenerator, RoundLifecycle, ConservationWatch],
    ...[ExpiryWorker, RefundsWorker, FreeOrdersWorker, OrderWatcher],
  ],
  features: [ClaimsModule, RoundsModule, PaymentsModule],
  // Orders, refunds and late payments stay.
  retention: [
    // An admission is settled within seconds of its note; a note from yesterday is of no use.
    { table: 'claim_tombstones', column: 'created_at', keepMs: DAY_MS },
    // A signature is valid for minutes, and providers repeat for days. The history of an order is in its own rows.
    { table: 'payment_callbacks', column: 'received_at', keepMs: 90 * DAY_MS },
  ],
});
