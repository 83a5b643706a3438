// The gate in Redis: its connection, its keeper, and the loops that bring Postgres' decisions to it.
import { APP_LOGGER, HealthRegistry } from '@gravity/http';
import { type Clock } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import { Database } from '@gravity/persistence';
import { CLOCK, configOf, coreOf } from '@gravity/service';
import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { countSweptUnits, countSwitch, gateCalls } from './claims-metrics';
import { GateConnection } from './gate/gate-connection';
import { GateControl } from './gate/gate-control';
import { GateKeeper } from './gate/gate-keeper';
import { GateReconciler } from './gate/gate-reconciler';
import { PendingSweeper } from './gate/pending-sweeper';
import { RedisGate } from './gate/redis-gate';
import { ReturnsWorker } from './gate/returns-worker';
import { type OrdersConfig, SERVICE } from './orders-config';

const ORDERS_CONFIG = configOf(SERVICE);

@Module({
  imports: [coreOf(SERVICE)],
  providers: [
    { provide: GateConnection, inject: [ORDERS_CONFIG, APP_LOGGER], useFactory: connectionOf },
    { provide: PendingSweeper, inject: [Database, RedisGate, ORDERS_CONFIG], useFactory: sweeperOf },
    {
      provide: GateKeeper,
      inject: [Database, GateConnection, RedisGate, ReturnsWorker, CLOCK, APP_LOGGER],
      useFactory: keeperOf,
    },
    { provide: GateControl, useExisting: GateKeeper },
    RedisGate,
    ReturnsWorker,
    GateReconciler,
  ],
  exports: [GateConnection, RedisGate, GateKeeper, GateControl],
})
export class GateModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly connection: GateConnection,
    private readonly health: HealthRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.connection.start();
    // Without Redis claims go straight to Postgres. That is slower, and the service stays ready.
    this.health.register('orders gate', async () => this.connection.runId !== undefined, { critical: false });
    gateCalls(SERVICE, () => this.connection.commandCount);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.stop();
  }
}

function connectionOf(config: OrdersConfig, log: AppLogger): GateConnection {
  return new GateConnection({
    url: config.redisUrl,
    commandTimeoutMs: config.gateTimeoutMs,
    onTrouble: (reason) => {
      if (reason === undefined) log.info('the gate is available');
      else log.warn('the gate is unavailable', { reason });
    },
  });
}

function sweeperOf(database: Database, gate: RedisGate, config: OrdersConfig): PendingSweeper {
  return new PendingSweeper(database, gate, config.pendingGraceMs, countSweptUnits);
}

function keeperOf(
  database: Database,
  connection: GateConnection,
  gate: RedisGate,
  returns: ReturnsWorker,
  clock: Clock,
  log: AppLogger,
): GateKeeper {
  return new GateKeeper(database, connection, gate, returns, clock, (seriesId, admission, reason) => {
    countSwitch(admission);
    log.warn('admission switched', { seriesId, admission, reason });
  });
}
