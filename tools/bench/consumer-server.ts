// One consumer of the orders' events with an inbox of its own: what a service behind orders costs, and how long an order
// takes to reach it.
import 'reflect-metadata';
import { APP_LOGGER, bootServices } from '@gravity/http';
import { inboxDdl, KafkaEventServer, parkingDdl, Reaction } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database, migrate, openDatabase, serviceDatabaseUrl } from '@gravity/persistence';
import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const BENCH_EVENTS = Symbol('bench.events');
const EVENT_SERVER = Symbol('bench.event-server');
const SAMPLES_MAX = 2_000_000;
const env = process.env;
const url = serviceDatabaseUrl(env, 'bench-consumer');

class Consumer1764000000001 implements MigrationInterface {
  readonly name = 'Consumer1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(inboxDdl());
    await runner.query(parkingDdl());
  }

  async down(): Promise<void> {
    throw new Error('There is no way back: drop the database instead.');
  }
}

let samples: number[] = [];

@Controller()
class OrderPlacedReaction {
  @Reaction('orders.order.placed.v1', BENCH_EVENTS, { batch: true })
  measure(@Payload() orders: readonly { placedAt: string }[]): void {
    const now = Date.now();
    for (const order of orders) if (samples.length < SAMPLES_MAX) samples.push(now - Date.parse(order.placedAt));
  }
}

@Module({
  controllers: [OrderPlacedReaction],
  providers: [
    { provide: Database, useFactory: () => openDatabase({ url, applicationName: 'bench-consumer' }) },
    {
      provide: EVENT_SERVER,
      inject: [Database, APP_LOGGER],
      useFactory: (database: Database, log: AppLogger) =>
        new KafkaEventServer({
          brokers: (env['KAFKA_BROKERS'] ?? '').split(','),
          clientId: 'bench-consumer',
          transportId: BENCH_EVENTS,
          consumer: 'bench-consumer',
          database,
          log,
        }),
    },
  ],
})
class ConsumerModule {}

// The bench asks for the delays seen since it last asked.
process.on('message', (message) => {
  if (message !== 'delays') return;
  const delays = samples.sort((a, b) => a - b);
  samples = [];
  const at = (share: number): number => delays[Math.floor(delays.length * share)] ?? 0;
  process.send!({ delays: { count: delays.length, p50Ms: at(0.5), p99Ms: at(0.99) } });
});

async function main(): Promise<void> {
  await migrate({ url, service: 'bench-consumer', migrations: [Consumer1764000000001] });
  const definition = {
    name: 'bench-consumer',
    module: ConsumerModule,
    eventServer: EVENT_SERVER,
    migrate: async () => undefined,
  };
  await bootServices([definition], { env, stopOnSignals: true });
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
