// One orders process: the service's own classes, wired as the modules of apps/orders wire them, over the models.
import { monotonicMs, systemClock } from '@gravity/kernel';
import type { OutboxRelay } from '@gravity/messaging';
import { ClaimDecider } from '../../apps/orders/src/decision/claim-decider';
import { ServerClock } from '../../apps/orders/src/decision/server-clock';
import { GateKeeper } from '../../apps/orders/src/gate/gate-keeper';
import { PendingSweeper } from '../../apps/orders/src/gate/pending-sweeper';
import { RedisGate } from '../../apps/orders/src/gate/redis-gate';
import { ReturnsWorker } from '../../apps/orders/src/gate/returns-worker';
import { SoldOutBoard } from '../../apps/orders/src/gate/sold-out-board';
import { PaymentsInquiry } from '../../apps/orders/src/payments-inquiry';
import { SaleDirectory } from '../../apps/orders/src/sales/sale-directory';
import { OrdersRepository } from '../../apps/orders/src/storage/orders.repository';
import { CancelOrder } from '../../apps/orders/src/use-cases/cancel-order/cancel-order.use-case';
import { CreatePaymentIntent } from '../../apps/orders/src/use-cases/create-payment-intent/create-payment-intent.use-case';
import { PlaceClaimUseCase } from '../../apps/orders/src/use-cases/place-claim/place-claim.use-case';
import { PlacedClaims } from '../../apps/orders/src/use-cases/place-claim/placed-claims';
import { PaymentSettler } from '../../apps/orders/src/use-cases/receive-payment-callback/payment-settler';
import { ExpiryWorker } from '../../apps/orders/src/workers/expiry';
import { RefundsWorker } from '../../apps/orders/src/workers/refunds';
import { type ConnectionPlant, ModelGateConnection, type ModelProvider } from './model-network';
import { ModelDatabase, type ModelPostgres } from './model-postgres';
import type { ModelRedis } from './model-redis';
import type { Life, Scheduler } from './scheduler';

const CLAIMS_PER_BATCH = 256;
const CLAIMS_QUEUED = 8_192;
const NEVER_STOPS = new AbortController().signal;

export interface Engines {
  readonly scheduler: Scheduler;
  readonly postgres: ModelPostgres;
  /** The primary; after a failover another one. */
  redis: ModelRedis;
  readonly provider: ModelProvider;
}

/** A background worker of the process, one turn at a time. */
export type WorkerName = 'sweeper' | 'returns' | 'expiry' | 'mender' | 'refunds';

export class ServiceProcess implements Life {
  alive = true;
  readonly connection: ModelGateConnection;
  readonly keeper: GateKeeper;
  readonly claims: PlaceClaimUseCase;
  readonly settler: PaymentSettler;
  readonly intents: CreatePaymentIntent;
  readonly cancellations: CancelOrder;
  readonly busy = new Set<WorkerName>();
  private readonly database: ModelDatabase;
  private readonly turns: Record<WorkerName, () => Promise<unknown>>;

  constructor(
    readonly name: string,
    { scheduler, postgres, redis, provider }: Engines,
    plant: ConnectionPlant,
  ) {
    this.connection = new ModelGateConnection(redis, scheduler, this, plant);
    this.database = new ModelDatabase(postgres, scheduler, this);
    const database = this.database.asDatabase;
    const connection = this.connection.asConnection;
    const payments = provider.for(this);
    // What is published is not part of the protocol: the outbox row is written with its cause.
    const relay = { wake: () => undefined } as unknown as OutboxRelay;
    const gate = new RedisGate(connection);
    const returns = new ReturnsWorker(database, gate);
    this.keeper = new GateKeeper(database, connection, gate, returns, systemClock);
    const decider = new ClaimDecider(database, new ServerClock(database, systemClock), {
      batchMax: CLAIMS_PER_BATCH,
      queueMax: CLAIMS_QUEUED,
      onCommitted: () => undefined,
    });
    this.claims = new PlaceClaimUseCase(
      new SaleDirectory(database, monotonicMs),
      gate,
      this.keeper,
      new SoldOutBoard(monotonicMs),
      decider,
      new PlacedClaims(database),
      systemClock,
    );
    this.settler = new PaymentSettler(database, this.keeper, relay);
    const inquiry = new PaymentsInquiry(payments);
    const orders = new OrdersRepository(database);
    this.intents = new CreatePaymentIntent(database, orders, payments, inquiry);
    this.cancellations = new CancelOrder(database, orders, inquiry, this.settler, this.keeper, relay);
    const refunds = new RefundsWorker(database, payments, this.settler);
    const expiry = new ExpiryWorker(database, this.settler, inquiry, this.keeper, relay);
    this.turns = {
      sweeper: turnOf(new PendingSweeper(database, gate)),
      returns: turnOf(returns),
      expiry: () => expiry.sweep(),
      mender: () => this.keeper.mend(),
      refunds: () => refunds.sweep(),
    };
  }

  /** Runs one turn of a worker, unless one is under way: turns of one worker never overlap. */
  async turn(worker: WorkerName): Promise<void> {
    if (this.busy.has(worker)) return;
    this.busy.add(worker);
    try {
      await this.turns[worker]();
    } finally {
      this.busy.delete(worker);
    }
  }

  /** Postgres learns that the process is gone. */
  abandon(): void {
    this.database.abandon();
  }
}

/** A loop's turn without the loop: when it runs is for the schedule to say. */
function turnOf(loop: object): () => Promise<unknown> {
  const { turn } = loop as { turn: (signal: AbortSignal) => Promise<unknown> };
  return () => turn.call(loop, NEVER_STOPS);
}
