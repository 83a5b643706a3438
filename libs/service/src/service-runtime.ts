// What one service does beside its requests: health checks, metrics, relay, consumer, retention and workers, started after
// the boot and stopped in order.
import type { INestApplication, INestMicroservice, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { type DrainHook, HealthRegistry } from '@gravity/http';
import { backoffMs, sleep } from '@gravity/kernel';
import { KafkaEventBus, KafkaEventServer, OutboxRelay } from '@gravity/messaging';
import { type AppLogger, gaugeReadAtScrape } from '@gravity/observability';
import { Database, pendingMigrations } from '@gravity/persistence';
import { coreOf } from './core.module';
import type { ServiceDeclaration } from './declaration';
import type { Loop } from './loop';
import { Retention } from './retention';

const sqlStatements = gaugeReadAtScrape('sql_statements', 'SQL statements sent since the start');
const sqlConnectionsWaitedFor = gaugeReadAtScrape('sql_connections_waited_for', 'Callers waiting for a connection');

const OUTBOX_DRAIN_MS = 3_000;
const KAFKA_HEALTH_MS = 3_000;
const CONSUMER_RETRY_MIN_MS = 250;
const CONSUMER_RETRY_MAX_MS = 5_000;

export class ServiceRuntime {
  private readonly database: Database | undefined;
  private readonly relay: OutboxRelay | undefined;
  private readonly bus: KafkaEventBus | undefined;
  private readonly consumer: KafkaEventServer | undefined;
  private readonly microservice: INestMicroservice | undefined;
  private readonly workers: readonly Loop[];
  private migrated = false;

  /** Finds the parts of a service in the application. Call it before the application listens. */
  constructor(
    private readonly app: INestApplication,
    private readonly declaration: ServiceDeclaration,
    private readonly logger: AppLogger,
  ) {
    const core = app.select(coreOf(declaration.name));
    // Strict: without it Nest looks in the whole application and finds the part of another service.
    const own = <T>(token: Type<T>): T | undefined => core.get<T | undefined>(token, { strict: true });
    this.database = own(Database);
    this.relay = own(OutboxRelay);
    this.bus = own(KafkaEventBus);
    this.consumer = own(KafkaEventServer);
    const retention = own(Retention);
    const workers = declaration.workers.map((worker) => this.provided(worker));
    this.workers = retention === undefined ? workers : [retention, ...workers];
    this.microservice = this.consumer && app.connectMicroservice<MicroserviceOptions>({ strategy: this.consumer });
    this.registerHealth();
    this.exportDatabaseMetrics();
  }

  /** Starts the background work. Postgres and Kafka may be down. */
  start(stopping: AbortSignal): void {
    const { name: service } = this.declaration;
    this.relay?.start();
    for (const worker of this.workers) worker.start({ service, ...(this.database && { database: this.database }) });
    if (this.microservice) void this.startConsumer(this.microservice, stopping);
  }

  /** Ends the consumer after its current events. */
  get consumerStop(): DrainHook[] {
    const { consumer } = this;
    return consumer ? [{ name: `${this.declaration.name} event consumer`, run: () => consumer.close() }] : [];
  }

  /** Ends the workers, the last one first. */
  get workerStops(): DrainHook[] {
    const steps = this.workers.map((worker) => ({
      name: `${this.declaration.name} ${worker.name}`,
      run: () => worker.stop(),
    }));
    return steps.reverse();
  }

  /** Publishes what is in the outbox, for a few seconds at most. */
  get outboxStop(): DrainHook[] {
    const { relay } = this;
    if (!relay) return [];
    return [{ name: `${this.declaration.name} outbox`, run: () => relay.stop({ drainMs: OUTBOX_DRAIN_MS }) }];
  }

  /** The instance that a feature of this service provides; another service may provide one of the same class. */
  private provided<T>(token: Type<T>): T {
    const { name, module } = this.declaration;
    const modules = [...this.app.get(ModulesContainer).values()].filter(({ metatype }) => metatype === module.module);
    // The list grows while it is walked: modules, then what they import. The platform is imported by all, and imports all.
    for (const each of modules) {
      const wrapper = each.providers.get(token);
      if (wrapper !== undefined) return wrapper.instance as T;
      for (const imported of each.imports)
        if (!imported.isGlobal && !modules.includes(imported)) modules.push(imported);
    }
    throw new Error(`${name} lists the worker ${token.name}, which none of its features provides`);
  }

  private registerHealth(): void {
    const health = this.app.get(HealthRegistry);
    const { name } = this.declaration;
    const { database, bus } = this;
    if (database) health.register(`${name} postgres`, () => database.healthy());
    // A process may start before its migration has ended, or against a database that never got it.
    if (this.declaration.migrations.length > 0) health.register(`${name} schema`, () => this.isMigrated());
    // Without Kafka a service serves and stores; its events wait in the outbox.
    if (bus) health.register(`${name} kafka`, () => bus.healthy(), { critical: false, timeoutMs: KAFKA_HEALTH_MS });
  }

  private exportDatabaseMetrics(): void {
    const { database } = this;
    if (!database) return;
    sqlStatements(this.declaration.name, () => database.statements.count);
    sqlConnectionsWaitedFor(this.declaration.name, () => database.pool.waiting);
  }

  /** Whether the database has every migration of this release. Rejects while Postgres is out of reach. */
  private async isMigrated(): Promise<boolean> {
    // Migrations are never taken back, so one good answer holds.
    if (this.migrated || this.database === undefined) return true;
    const pending = await pendingMigrations(this.database, this.declaration.migrations);
    this.migrated = pending.length === 0;
    return this.migrated;
  }

  /** Throws until every migration is applied: a handler that misses a table would make a dead letter of a good event. */
  private async requireMigrations(): Promise<void> {
    if (!(await this.isMigrated())) throw new Error('the database misses migrations of this release');
  }

  /** Retries until the consumer runs or the process stops. The broker may start later than this process. */
  private async startConsumer(microservice: INestMicroservice, stopping: AbortSignal): Promise<void> {
    for (let failures = 1; !stopping.aborted; failures += 1) {
      try {
        await this.requireMigrations();
        await microservice.listen();
        return;
      } catch (error) {
        const { name: service } = this.declaration;
        // The first failure and every doubling tell enough without filling the log.
        if ((failures & (failures - 1)) === 0)
          this.logger.warn('event consumer could not start, will retry', { service, failures, error });
        await sleep(backoffMs(failures, CONSUMER_RETRY_MIN_MS, CONSUMER_RETRY_MAX_MS), stopping);
      }
    }
  }
}
