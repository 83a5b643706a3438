// A consumer of the events of orders, with its own inbox. The bench measures its CPU time and how long an order takes to
// reach it.
import 'reflect-metadata';
import { deadLettersDdl, inboxDdl, OnEvent } from '@gravity/messaging';
import { bootServices, defineService, migrateService } from '@gravity/service';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { percentilesOf } from '../lib/percentiles';

const SAMPLES_MAX = 2_000_000;
const { env } = process;

class Consumer1764000000001 implements MigrationInterface {
  readonly name = 'Consumer1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(inboxDdl());
    await runner.query(deadLettersDdl());
  }

  async down(): Promise<void> {
    throw new Error('This migration cannot be reverted. Drop the database instead.');
  }
}

let samples: number[] = [];

@Controller()
class OnOrderPlaced {
  @OnEvent('orders.order.placed.v1', { batch: true })
  measure(@Payload() orders: readonly { placedAt: string }[]): void {
    const now = Date.now();
    for (const order of orders) if (samples.length < SAMPLES_MAX) samples.push(now - Date.parse(order.placedAt));
  }
}

const benchConsumer = defineService({
  name: 'bench-consumer',
  migrations: [Consumer1764000000001],
  handlers: [OnOrderPlaced],
  publishes: [],
  idempotencyKeys: false,
});

// The bench reads the delays since its last request.
process.on('message', (message) => {
  if (message !== 'delays') return;
  process.send!({ delays: { count: samples.length, ...percentilesOf(samples) } });
  samples = [];
});

async function main(): Promise<void> {
  await migrateService(benchConsumer, env);
  await bootServices([benchConsumer], { env, stopOnSignals: true });
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
