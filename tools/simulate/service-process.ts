// One orders process: the service's own classes, wired as the service wires them, over the models.
import { AssertionFailure, monotonicMs, systemClock } from '@gravity/kernel';
import type { OutboxRelay } from '@gravity/messaging';
import { ClaimDecider } from '../../apps/orders/src/decision/claim-decider';
import { ServerClock } from '../../apps/orders/src/decision/server-clock';
import { GateKeeper } from '../../apps/orders/src/gate/gate-keeper';
import { PendingSweeper } from '../../apps/orders/src/gate/pending-sweeper';
import { RedisGate } from '../../apps/orders/src/gate/redis-gate';
import { ReturnsWorker } from '../../apps/orders/src/gate/returns-worker';
import { SoldOutBoard } from '../../apps/orders/src/gate/sold-out-board';
import { PaymentsInquiry } from '../../apps/orders/src/payments-inquiry';
import { firstCome } from '../../apps/orders/src/gate/admission-order';
import type { PaymentProvider } from '../../apps/orders/src/payments/payment-provider';
import { SaleDirectory } from '../../apps/orders/src/sales/sale-directory';
import { OrdersRepository } from '../../apps/orders/src/storage/orders.repository';
import { CancelOrder } from '../../apps/orders/src/use-cases/cancel-order/cancel-order.use-case';
import { composePlaceClaim } from '../../apps/orders/src/use-cases/place-claim/compose-place-claim';
import type { PlaceClaimUseCase } from '../../apps/orders/src/use-cases/place-claim/place-claim.use-case';
import { PlacedClaims } from '../../apps/orders/src/use-cases/place-claim/placed-claims';
import { PaymentSettler } from '../../apps/orders/src/use-cases/receive-payment-callback/payment-settler';
import { ExpiryWorker } from '../../apps/orders/src/workers/expiry';
import { type ConnectionMutation, ModelGateConnection } from './model-network';
import { ModelDatabase, type ModelPostgres } from './model-postgres';
import type { ModelRedis } from './model-redis';
import type { ProcessMutation } from './mutations';
import type { Life, Scheduler } from './scheduler';

const CLAIMS_PER_BATCH = 256;
const CLAIMS_QUEUED = 8_192;
/** How slow the clock of flags is in a mutation. */
const SLOW_CLOCK = 10;
const NEVER_STOPS = new AbortController().signal;

export interface Engines {
  readonly scheduler: Scheduler;
  readonly postgres: ModelPostgres;
  /** The primary; a failover replaces it. */
  redis: ModelRedis;
}

/** The background workers of a process. */
export const WORKERS = ['sweeper', 'returns', 'expiry', 'reconciler'] as const;

export type WorkerName = (typeof WORKERS)[number];

/** Orders of the simulation have no intents, so no step asks a provider; one that does fails its schedule. */
export const NO_PROVIDER = new Proxy({} as PaymentProvider, {
  get: (_target, call) => {
    throw new AssertionFailure(`the claim protocol asks the payment provider: ${String(call)}`);
  },
});

export class ServiceProcess implements Life {
  alive = true;
  readonly connection: ModelGateConnection;
  readonly keeper: GateKeeper;
  readonly claims: PlaceClaimUseCase;
  readonly cancellations: CancelOrder;
  readonly busy = new Set<WorkerName>();
  private readonly database: ModelDatabase;
  private readonly turns: Record<WorkerName, () => Promise<unknown>>;

  constructor(
    readonly name: string,
    { scheduler, postgres, redis }: Engines,
    mutation: ConnectionMutation & ProcessMutation,
  ) {
    this.connection = new ModelGateConnection(redis, scheduler, this, mutation);
    this.database = new ModelDatabase(postgres, scheduler, this);
    const database = this.database.asDatabase;
    const connection = this.connection.asConnection;
    // Publishing is not part of the protocol: the outbox row is written with its cause.
    const relay = { wake: () => undefined } as unknown as OutboxRelay;
    const gate = new RedisGate(connection);
    const returns = new ReturnsWorker(database, gate);
    this.keeper = new GateKeeper(database, connection, gate, returns, systemClock);
    const decider = new ClaimDecider(database, new ServerClock(database, systemClock), {
      batchMax: CLAIMS_PER_BATCH,
      queueMax: CLAIMS_QUEUED,
      onCommitted: () => undefined,
    });
    this.claims = composePlaceClaim({
      directory: new SaleDirectory(database, monotonicMs),
      gate,
      keeper: this.keeper,
      board: new SoldOutBoard(mutation.keepsFlags === true ? () => monotonicMs() / SLOW_CLOCK : monotonicMs),
      decider,
      placed: new PlacedClaims(database),
      clock: systemClock,
      orders: { FIRST_COME: firstCome, DRAW: firstCome },
    });
    const settler = new PaymentSettler(database, this.keeper, relay);
    const inquiry = new PaymentsInquiry(NO_PROVIDER);
    const orders = new OrdersRepository(database);
    this.cancellations = new CancelOrder(database, orders, inquiry, settler, this.keeper, relay);
    const expiry = new ExpiryWorker(database, settler, inquiry, this.keeper, relay);
    this.turns = {
      sweeper: turnOf(new PendingSweeper(database, gate)),
      returns: turnOf(returns),
      expiry: () => expiry.sweep(),
      reconciler: () => this.keeper.reconcile(),
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

  /** Tells Postgres that the process is gone. */
  abandon(): void {
    this.database.abandon();
  }
}

/** A turn of a loop without the loop: the schedule decides when it runs. */
export function turnOf(loop: object): () => Promise<unknown> {
  const { turn } = loop as { turn: (signal: AbortSignal) => Promise<unknown> };
  return () => turn.call(loop, NEVER_STOPS);
}
