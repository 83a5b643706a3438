// `npm run bench`: what the project is known by, measured in one run on one machine, as ratios to the bare server.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { localIssuer, startStack, type LocalIssuer, type Stack } from '@gravity/testing';
import { Client } from 'pg';
import { ordersService } from '../../apps/orders/src/orders.service-definition';
import { Crowd } from './load';
import { measureAll, ROW_NAMES } from './measure';
import { floorsOf, printTable } from './report';
import { type RunningService, startService } from './services';

/** As many as the largest crowd has clients. */
const BUYERS = 4_096;
const HELP = `Usage: npm run bench -- [options]

  --json          one object on stdout; progress goes to stderr
  --seconds N     how long each row is measured (default 5)
  --rows A,B      only these rows, next to the bare server: refusal-256, claim-1 … claim-4096, raw-1
  --profile DIR   writes a CPU profile of each service and row to DIR (open in a browser's developer tools)
  --help`;

interface System {
  readonly stack: Stack;
  readonly services: Record<'bare' | 'orders' | 'consumer', RunningService>;
  readonly database: Client;
  readonly ordersUrl: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      seconds: { type: 'string', default: '5' },
      rows: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void process.stdout.write(`${HELP}\n`);
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 600)) throw new Error('--seconds takes a number from 1 to 600.');
  const only = values.rows === undefined ? undefined : chosenRows(values.rows);
  const profileDir = values.profile === undefined ? undefined : resolve(values.profile);
  if (profileDir !== undefined) await mkdir(profileDir, { recursive: true });
  const dataDir = await mkdtemp(join(tmpdir(), 'gravity-bench-'));
  const issuer = await localIssuer();
  const crowd = new Crowd();
  let system: System | undefined;
  try {
    system = await startSystem(dataDir, issuer, profileDir !== undefined);
    say(`minting ${BUYERS} tokens …`);
    crowd.equip(
      await Promise.all(
        Array.from({ length: BUYERS }, (_, n) =>
          issuer.mint({ sub: `b_bench_${n}`, roles: ['buyer'], expiresIn: '6h' }),
        ),
      ),
    );
    const how = { buyers: BUYERS, measureMs: seconds * 1_000, only, profileDir, say };
    const rows = await measureAll({ ...system, crowd, ...how });
    const floors = floorsOf(rows);
    if (values.json === true) process.stdout.write(`${JSON.stringify({ rows, floors })}\n`);
    else printTable(rows, floors);
  } finally {
    await crowd.stop();
    if (system !== undefined) await stopSystem(system);
    await rm(dataDir, { recursive: true, force: true });
  }
}

function chosenRows(list: string): ReadonlySet<string> {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !ROW_NAMES.includes(name));
  if (unknown.length > 0) throw new Error(`--rows: ${unknown.join(', ')} is not one of ${ROW_NAMES.join(', ')}.`);
  return new Set(names);
}

async function startSystem(dataDir: string, issuer: LocalIssuer, profiled: boolean): Promise<System> {
  const stack = await startStack({ dataDir, ports: 'free', kafkaJit: 'full', env: {}, handleSignals: false });
  const env = {
    ...stack.env,
    ...issuer.env,
    CURSOR_SECRET: 'bench-bench-bench-bench-bench-bench-bench',
    PAYMENTS_PROVIDER_URL: 'http://127.0.0.1:9',
    PAYMENTS_PROVIDER_KEY: 'bench',
    PAYMENTS_WEBHOOK_SECRETS: 'whsec_YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5jaA==',
    LOG_LEVEL: 'info',
    HTTP_PORT: '0',
  };
  await ordersService(env).migrate();
  const flags = profiled ? ['--require', join(__dirname, 'profiler-worker.js')] : [];
  say('starting the bare server, orders and a consumer …');
  const bare = await startService('bare', 'tools/bench/bare-server.js', env, flags);
  const orders = await startService('orders', 'apps/orders/src/main.js', env, flags);
  const consumer = await startService('consumer', 'tools/bench/consumer-server.js', env, flags);
  const ordersUrl = stack.databaseUrl.replace(/\/[^/]*$/, '/gravity_orders');
  const database = new Client({ connectionString: ordersUrl });
  await database.connect();
  return { stack, services: { bare, orders, consumer }, database, ordersUrl };
}

async function stopSystem(system: System): Promise<void> {
  await system.database.end();
  await Promise.all(Object.values(system.services).map((service) => service.stop()));
  await system.stack.stop();
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
