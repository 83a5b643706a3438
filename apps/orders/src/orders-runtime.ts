// What runs beside the requests of the orders service: the relay of its outbox, and the pruning of what has served.
import { APP_LOGGER, HealthRegistry, ShutdownHooks } from '@gravity/http';
import { KafkaEventBus, OutboxRelay } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database } from '@gravity/persistence';
import { exportDatabaseMetrics } from '@gravity/service';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SERVICE } from './orders-config';
import { Pruner } from './workers/pruner';

const DRAIN_MS = 3_000;

@Injectable()
export class OrdersRuntime implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly pruner: Pruner;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(OutboxRelay) private readonly relay: OutboxRelay,
    @Inject(KafkaEventBus) private readonly bus: KafkaEventBus,
    @Inject(HealthRegistry) private readonly health: HealthRegistry,
    @Inject(ShutdownHooks) private readonly hooks: ShutdownHooks,
    @Inject(APP_LOGGER) private readonly log: AppLogger,
  ) {
    this.pruner = new Pruner(database);
  }

  onApplicationBootstrap(): void {
    this.health.register('orders postgres', () => this.database.healthy());
    // Without Kafka the sale goes on; its events wait in the outbox.
    this.health.register('orders kafka', () => this.bus.healthy(), { critical: false, timeoutMs: 3_000 });
    this.hooks.onDrain('orders outbox', () => this.relay.stop({ drainMs: DRAIN_MS }));
    this.hooks.onDrain('orders pruner', () => this.pruner.stop());
    exportDatabaseMetrics(SERVICE, this.database);
    this.relay.start();
    this.pruner.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pruner.stop();
    await this.relay.stop();
    await this.bus.close();
    await this.database.close();
    this.log.debug('orders stopped');
  }
}
