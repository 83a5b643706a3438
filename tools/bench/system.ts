// The system under test: real engines, the services as processes of the build, and the load generator.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalIssuer, localIssuer, startStack, type Stack } from '@gravity/testing';
import { serviceDatabaseUrl } from '@gravity/persistence';
import { Client } from 'pg';
import { migrateService } from '@gravity/service';
import { ordersService } from '../../apps/orders/src/orders.service';
import { LoadGenerator } from './load';
import { type RunningService, startService } from './services';

type ServiceName = 'bare' | 'orders' | 'consumer';

export interface BenchSystem {
  readonly stack: Stack;
  readonly services: Record<ServiceName, RunningService>;
  /** A connection to the database of orders. */
  readonly database: Client;
  readonly ordersUrl: string;
  readonly loadGenerator: LoadGenerator;
  /** The tokens of the buyers. */
  readonly tokens: readonly string[];
  readonly measureMs: number;
  /** Folder for the CPU profiles of each row. */
  readonly profileDir: string | undefined;
  readonly say: (line: string) => void;
  /** Starts one more orders process. The caller stops it. */
  startOrders(name: string): Promise<RunningService>;
  stop(): Promise<void>;
}

export interface BenchOptions {
  readonly buyers: number;
  readonly measureMs: number;
  readonly profileDir: string | undefined;
  readonly say: (line: string) => void;
}

/** Starts the system. When a part fails to start, it stops the others and rejects. */
export async function startSystem(options: BenchOptions): Promise<BenchSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gravity-bench-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    return await startParts(options, dataDir, closing, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: BenchOptions,
  dataDir: string,
  closing: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<BenchSystem> {
  const { say, buyers } = options;
  const issuer = await localIssuer();
  const stack = await startStack({ dataDir, ports: 'free', kafkaJit: 'full', env: {}, handleSignals: false });
  closing.push(() => stack.stop());
  const env = { ...stack.env, ...issuer.env, ...SETTINGS };
  await migrateService(ordersService, env);
  const flags = options.profileDir === undefined ? [] : ['--require', join(__dirname, 'profiler-worker.js')];
  const start = async (name: string, script: string): Promise<RunningService> => {
    const service = await startService(name, script, env, flags);
    closing.push(() => service.stop());
    return service;
  };
  say('starting the bare server, orders and a consumer …');
  const services = {
    bare: await start('bare', 'tools/bench/bare-server.js'),
    orders: await start('orders', 'apps/orders/src/main.js'),
    consumer: await start('consumer', 'tools/bench/consumer-server.js'),
  };
  const ordersUrl = serviceDatabaseUrl({ DATABASE_URL: stack.databaseUrl }, 'orders');
  const database = new Client({ connectionString: ordersUrl });
  await database.connect();
  closing.push(() => database.end());
  const loadGenerator = new LoadGenerator();
  closing.push(() => loadGenerator.stop());
  say(`minting ${buyers.toLocaleString('en')} tokens …`);
  const tokens = await mintTokens(issuer, buyers);
  loadGenerator.useTokens(tokens);
  const startOrders = (name: string): Promise<RunningService> => start(name, 'apps/orders/src/main.js');
  return { ...options, stack, services, database, ordersUrl, loadGenerator, tokens, startOrders, stop };
}

const SETTINGS = {
  CURSOR_SECRET: 'bench-bench-bench-bench-bench-bench-bench',
  PAYMENT_PROVIDER: 'sandbox',
  PAYMENTS_PROVIDER_URL: 'http://127.0.0.1:9',
  PAYMENTS_PROVIDER_KEY: 'bench',
  PAYMENTS_WEBHOOK_SECRETS: 'whsec_YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5jaA==',
  LOG_LEVEL: 'info',
  HTTP_PORT: '0',
};

function mintTokens(issuer: LocalIssuer, buyers: number): Promise<string[]> {
  const one = (n: number): Promise<string> => issuer.mint({ sub: buyerId(n), roles: ['buyer'], expiresIn: '6h' });
  return Promise.all(Array.from({ length: buyers }, (_, n) => one(n)));
}

/** The subject of the nth token. */
export function buyerId(n: number): string {
  return `b_bench_${n}`;
}
