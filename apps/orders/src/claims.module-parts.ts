// What claims bring into the module: the gate, the decision, and the use case over them.
import { APP_LOGGER, HealthRegistry, ShutdownHooks } from '@gravity/http';
import { monotonicMs, systemClock } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database } from '@gravity/persistence';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { claimsWaiting, countClaim, countDraw, countSweptUnits, countSwitch, gateCalls } from './claims-metrics';
import { ClaimDecider } from './decision/claim-decider';
import { ClockFollower } from './decision/clock-follower';
import { ServerClock } from './decision/server-clock';
import { GateConnection } from './gate/gate-connection';
import { GateControl } from './gate/gate-control';
import { GateKeeper } from './gate/gate-keeper';
import { GateMender } from './gate/gate-mender';
import { OpeningLots } from './gate/opening-lots';
import { PendingSweeper } from './gate/pending-sweeper';
import { RedisGate } from './gate/redis-gate';
import { ReturnsWorker } from './gate/returns-worker';
import { SoldOutBoard } from './gate/sold-out-board';
import { type OrdersConfig, SERVICE } from './orders-config';
import { SaleDirectory } from './sales/sale-directory';
import { OpeningDraw } from './use-cases/place-claim/opening-draw';
import { PlaceClaimGrpc } from './use-cases/place-claim/place-claim.grpc';
import { PlaceClaimHttp } from './use-cases/place-claim/place-claim.http';
import { PlaceClaimUseCase } from './use-cases/place-claim/place-claim.use-case';
import { PlacedClaims } from './use-cases/place-claim/placed-claims';
import { FreeOrdersWorker } from './workers/free-orders';

/** Starts the gate's connection and workers, and drains claims before the process ends. */
@Injectable()
class ClaimsRuntime implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(GateConnection) private readonly connection: GateConnection,
    @Inject(GateMender) private readonly mender: GateMender,
    @Inject(ReturnsWorker) private readonly returns: ReturnsWorker,
    @Inject(PendingSweeper) private readonly sweeper: PendingSweeper,
    @Inject(ClockFollower) private readonly follower: ClockFollower,
    @Inject(ClaimDecider) private readonly decider: ClaimDecider,
    @Inject(HealthRegistry) private readonly health: HealthRegistry,
    @Inject(ShutdownHooks) private readonly hooks: ShutdownHooks,
  ) {}

  onApplicationBootstrap(): void {
    this.connection.start();
    // Without Redis claims go straight to Postgres: slower, and still ready.
    this.health.register('orders gate', async () => this.connection.runId !== undefined, { critical: false });
    const workers = [this.follower, this.mender, this.returns, this.sweeper];
    for (const worker of workers) worker.start();
    this.hooks.onDrain('orders claims', async () => {
      await this.decider.drain();
      await Promise.all(workers.map((worker) => worker.stop()));
    });
    claimsWaiting(SERVICE, () => this.decider.depth);
    gateCalls(SERVICE, () => this.connection.commandCount);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.stop();
  }
}

export const claimControllers: Type[] = [PlaceClaimHttp, PlaceClaimGrpc];

/** The providers of the claim path. They need Database and OutboxRelay from the module. */
export function claimProviders(config: OrdersConfig): Provider[] {
  return [...gateProviders(config), ...decisionProviders(config), ClaimsRuntime];
}

function gateProviders(config: OrdersConfig): Provider[] {
  return [
    {
      provide: GateConnection,
      inject: [APP_LOGGER],
      useFactory: (log: AppLogger) =>
        new GateConnection({
          url: config.redisUrl,
          commandTimeoutMs: config.gateTimeoutMs,
          onTrouble: (reason) => {
            if (reason === undefined) log.info('the gate is within reach again');
            else log.warn('the gate is out of reach', { reason });
          },
        }),
    },
    {
      provide: RedisGate,
      inject: [GateConnection],
      useFactory: (connection: GateConnection) => new RedisGate(connection),
    },
    { provide: SoldOutBoard, useFactory: () => new SoldOutBoard(monotonicMs) },
    {
      provide: ReturnsWorker,
      inject: [Database, RedisGate],
      useFactory: (database: Database, gate: RedisGate) => new ReturnsWorker(database, gate),
    },
    {
      provide: PendingSweeper,
      inject: [Database, RedisGate],
      useFactory: (database: Database, gate: RedisGate) =>
        new PendingSweeper(database, gate, config.pendingGraceMs, countSweptUnits),
    },
    {
      provide: GateKeeper,
      inject: [Database, GateConnection, RedisGate, ReturnsWorker, APP_LOGGER],
      useFactory: (
        database: Database,
        connection: GateConnection,
        gate: RedisGate,
        returns: ReturnsWorker,
        log: AppLogger,
      ) =>
        new GateKeeper(database, connection, gate, returns, systemClock, (seriesId, admission, reason) => {
          countSwitch(admission);
          log.warn('admission switched', { seriesId, admission, reason });
        }),
    },
    { provide: GateControl, useExisting: GateKeeper },
    { provide: GateMender, inject: [GateKeeper], useFactory: (keeper: GateKeeper) => new GateMender(keeper) },
  ];
}

function decisionProviders(config: OrdersConfig): Provider[] {
  return [
    {
      provide: ServerClock,
      inject: [Database],
      useFactory: (database: Database) => new ServerClock(database, systemClock),
    },
    { provide: ClockFollower, inject: [ServerClock], useFactory: (clock: ServerClock) => new ClockFollower(clock) },
    {
      provide: ClaimDecider,
      inject: [Database, ServerClock, OutboxRelay, FreeOrdersWorker],
      useFactory: (database: Database, clock: ServerClock, relay: OutboxRelay, freeOrders: FreeOrdersWorker) =>
        new ClaimDecider(database, clock, {
          maxBatch: config.claimsPerBatch,
          maxQueue: config.claimsQueued,
          onCommitted: (batch) => {
            relay.wake();
            if (batch.some(({ item }) => item.priceMinor === 0n)) freeOrders.wake();
          },
        }),
    },
    {
      provide: SaleDirectory,
      inject: [Database],
      useFactory: (database: Database) => new SaleDirectory(database, monotonicMs),
    },
    { provide: PlacedClaims, inject: [Database], useFactory: (database: Database) => new PlacedClaims(database) },
    claimUseCase(config),
  ];
}

function claimUseCase({ openingDraw }: OrdersConfig): Provider {
  return {
    provide: PlaceClaimUseCase,
    inject: [
      SaleDirectory,
      RedisGate,
      GateKeeper,
      SoldOutBoard,
      ClaimDecider,
      PlacedClaims,
      ServerClock,
      GateConnection,
    ],
    useFactory: (
      directory: SaleDirectory,
      gate: RedisGate,
      keeper: GateKeeper,
      board: SoldOutBoard,
      decider: ClaimDecider,
      placed: PlacedClaims,
      clock: ServerClock,
      connection: GateConnection,
    ) => {
      const lots = new OpeningLots(connection, keeper);
      const draw = openingDraw && new OpeningDraw({ ...openingDraw, clock, lots, onOutcome: countDraw });
      return new PlaceClaimUseCase(directory, gate, keeper, board, decider, placed, clock, countClaim, draw);
    },
  };
}
