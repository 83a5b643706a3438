// What runs beside the requests: the relay that publishes the outbox, and the pruning of what is no longer needed.
import { APP_LOGGER, HealthRegistry, ShutdownHooks, pruneIdempotency } from '@gravity/http';
import { sleep } from '@gravity/kernel';
import { KafkaEventBus, OutboxRelay, pruneOutbox } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database } from '@gravity/persistence';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

const DRAIN_MS = 3_000;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_LIMIT = 10_000;
const KEEP_EVENTS_MS = 24 * 3_600_000;
const KEEP_KEYS_HOURS = 72;

@Injectable()
export class EventPublishing implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly ending = new AbortController();
  private pruning: Promise<void> | undefined;

  constructor(
    @Inject(Database) private readonly db: Database,
    @Inject(OutboxRelay) private readonly relay: OutboxRelay,
    @Inject(KafkaEventBus) private readonly bus: KafkaEventBus,
    @Inject(HealthRegistry) private readonly health: HealthRegistry,
    @Inject(ShutdownHooks) private readonly hooks: ShutdownHooks,
    @Inject(APP_LOGGER) private readonly log: AppLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.health.register('catalog postgres', () => this.db.healthy());
    // Without Kafka the catalogue serves and stores; its events wait in the outbox.
    this.health.register('catalog kafka', () => this.bus.healthy(), { critical: false, timeoutMs: 3_000 });
    this.hooks.onDrain('catalog outbox', () => this.relay.stop({ drainMs: DRAIN_MS }));
    this.relay.start();
    this.pruning = this.prune();
  }

  async onApplicationShutdown(): Promise<void> {
    this.ending.abort();
    await this.pruning;
    await this.relay.stop();
    await this.bus.close();
    await this.db.close();
  }

  private async prune(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      await sleep(PRUNE_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await pruneOutbox(this.db, { olderThanMs: KEEP_EVENTS_MS });
        await pruneIdempotency(this.db, KEEP_KEYS_HOURS, PRUNE_LIMIT);
      } catch (error) {
        this.log.warn('catalogue tables could not be pruned, will try again', { error });
      }
    }
  }
}
