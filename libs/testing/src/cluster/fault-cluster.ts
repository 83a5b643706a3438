// The system under faults: orders processes and the payment sandbox as real processes, on a private Postgres, Redis and
// Kafka. A proxy stands before each, so that specs can kill, disconnect, freeze and empty them.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { EngineHandle, RedisHandle } from '../engines/engine';
import { freshKafkaBehindProxy, freshPostgres, freshRedis, temporaryFolder } from '../engines/fresh';
import { projectRoot } from '../engines/paths';
import { mustRun } from '../engines/process';
import { eventually } from '../eventually';
import { TcpProxy } from '../faults/tcp-proxy';
import { type LocalIssuer, localIssuer } from '../tokens';
import type { SqlClient } from './promises';
import { buildServices, ServiceProcess } from './service-process';

/** After this long, an admission without a reported decision is released. */
export const PENDING_GRACE_MS = 1_500;
const MIGRATE_WITHIN_MS = 60_000;
const SANDBOX_KEY = 'key_of_the_merchant_server';

/** One orders process with its own proxies. */
export interface OrdersNode {
  readonly process: ServiceProcess;
  readonly redis: TcpProxy;
  readonly postgres: TcpProxy;
  /** In front of its HTTP port. */
  readonly http: TcpProxy;
  /** By way of the HTTP proxy. */
  readonly url: string;
}

export interface FaultClusterOptions {
  /** How many orders processes. Default 2. */
  readonly nodes?: number;
  /** False: starts the engines and the databases alone. Default true. */
  readonly startServices?: boolean;
  /** Also the catalogue, whose events the orders processes consume. Default false. */
  readonly catalog?: boolean;
  /** Where Postgres keeps its data; a temporary folder unless given. */
  readonly postgresFolder?: string;
  /** More environment for the orders process of this name. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
}

/** A private system for one spec or one chaos run. {@link stop} ends every process and removes their data. */
export class FaultCluster {
  readonly nodes: OrdersNode[] = [];
  private sandboxProcess: ServiceProcess | undefined;
  private catalogProcess: ServiceProcess | undefined;
  private client: Client | undefined;
  /** An operator's token. */
  operatorToken = '';
  private readonly tokens = new Map<string, Promise<string>>();
  private providerProxy: TcpProxy | undefined;
  private callbackProxy: TcpProxy | undefined;

  private constructor(
    private primary: EngineHandle,
    /** Between Postgres and the services without own proxies. */
    private readonly postgresLink: TcpProxy,
    readonly redis: RedisHandle,
    readonly kafka: EngineHandle,
    /** Between the orders processes and Kafka. */
    readonly kafkaLink: TcpProxy,
    readonly issuer: LocalIssuer,
    private readonly folder: string,
    private readonly options: FaultClusterOptions,
  ) {}

  /**
   * Starts the engines, migrates the databases and, by default, starts the services and waits until they are ready.
   * When a part does not start, stops the others and throws that part's error.
   */
  static async start(options: FaultClusterOptions = {}): Promise<FaultCluster> {
    const [postgres, redis, { kafka, proxy }] = await Promise.all([
      freshPostgres(options.postgresFolder === undefined ? {} : { folder: options.postgresFolder }),
      freshRedis(),
      freshKafkaBehindProxy(),
    ]);
    const [issuer, folder] = await Promise.all([localIssuer(), temporaryFolder()]);
    const postgresLink = await TcpProxy.start({ targetPort: portOf(postgres.url) });
    const cluster = new FaultCluster(postgres, postgresLink, redis, kafka, proxy, issuer, folder, options);
    try {
      cluster.operatorToken = await issuer.mint({ sub: 'op_1', roles: ['operator'], expiresIn: '6h' });
      cluster.providerProxy = await TcpProxy.start({ targetPort: cluster.sandboxPort });
      const databases = ['orders', 'payments-sandbox', ...(options.catalog === true ? ['catalog'] : [])];
      await Promise.all(databases.map((service) => cluster.migrate(service)));
      if (options.startServices !== false) await cluster.startServices(options.nodes ?? 2);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Starts the sandbox and so many orders processes and, by default, waits until they are ready. */
  async startServices(nodes: number, ready = true): Promise<void> {
    for (let index = 0; index < nodes; index += 1) await this.addNode(index + 1);
    const [first] = this.nodes;
    if (first === undefined) throw new Error('the sandbox needs an orders process for its callbacks');
    this.callbackProxy = await TcpProxy.start({ targetPort: portOf(first.process.url) });
    const callback = `http://127.0.0.1:${this.callbackProxy.port}/orders/v1/payment-callbacks/sandbox`;
    this.sandboxProcess = await ServiceProcess.start({
      name: 'payments-sandbox',
      script: 'apps/payments-sandbox/src/main.js',
      env: { ...this.environment(), PAYMENTS_CALLBACK_URL: callback },
      folder: this.folder,
      port: this.sandboxPort,
    });
    if (this.options.catalog === true) {
      const script = 'apps/catalog/src/main.js';
      const env = this.environment();
      this.catalogProcess = await ServiceProcess.start({ name: 'catalog', script, env, folder: this.folder });
    }
    if (ready) await Promise.all(this.nodes.map((node) => node.process.ready()));
  }

  /** URLs that buyers use, by way of the HTTP proxies. */
  get urls(): string[] {
    return this.nodes.map((node) => node.url);
  }

  /** The current Postgres. */
  get postgres(): EngineHandle {
    return this.primary;
  }

  /** Makes another server the Postgres of all addresses. The old one must have ended for good. */
  failOverTo(primary: EngineHandle): void {
    this.primary = primary;
    for (const link of [this.postgresLink, ...this.nodes.map(({ postgres }) => postgres)]) {
      link.retarget(portOf(primary.url));
    }
  }

  /** The payment provider. Throws before {@link startServices}. */
  get sandbox(): ServiceProcess {
    if (this.sandboxProcess === undefined) throw new Error('the services were not started');
    return this.sandboxProcess;
  }

  /** The catalogue. Throws when it was not requested. */
  get catalog(): ServiceProcess {
    if (this.catalogProcess === undefined) throw new Error('the catalogue was not started');
    return this.catalogProcess;
  }

  /** Between the orders processes and the payment provider. */
  get providerLink(): TcpProxy {
    if (this.providerProxy === undefined) throw new Error('the cluster was not started');
    return this.providerProxy;
  }

  /** Between the payment provider and the orders process that it calls back. */
  get callbackLink(): TcpProxy {
    if (this.callbackProxy === undefined) throw new Error('the services were not started');
    return this.callbackProxy;
  }

  /** The address of a service's database, past the proxies. */
  databaseUrl(service: 'orders' | 'payments_sandbox' | 'catalog'): string {
    const url = new URL(this.postgres.url);
    url.pathname = `/gravity_${service}`;
    return url.toString();
  }

  /** SQL on the orders database, past the services. Reconnects after an outage of Postgres. */
  readonly sql: SqlClient = {
    query: async (text, params) => {
      if (this.client === undefined) {
        const client = new Client({ connectionString: this.databaseUrl('orders'), connectionTimeoutMillis: 10_000 });
        client.on('error', () => (this.client = undefined));
        client.on('end', () => (this.client = undefined));
        await client.connect();
        this.client = client;
      }
      return this.client.query(text, params);
    },
  };

  /** A buyer's token, minted once. */
  tokenOf = (buyerId: string): Promise<string> => {
    let token = this.tokens.get(buyerId);
    if (token === undefined) {
      token = this.issuer.mint({ sub: buyerId, roles: ['buyer'], expiresIn: '6h' });
      this.tokens.set(buyerId, token);
    }
    return token;
  };

  /** A JSON answer of an operator's or a buyer's request to one of the processes. */
  async ask<T>(url: string, token: string = this.operatorToken, init: RequestInit = {}): Promise<T> {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(url, { signal: AbortSignal.timeout(15_000), ...init, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** The current admission of claims of the series, from Postgres. */
  async admissionOf(seriesUuid: string): Promise<string> {
    const { rows } = await this.sql.query(`select admission from series where series_id = $1`, [seriesUuid]);
    return String(rows[0]?.['admission']);
  }

  /** Admissions at the gate whose decision is not reported after this long. */
  async stalePending(seriesUuid: string, itemUuid: string, olderThanMs: number): Promise<number> {
    const redis = new Redis(this.redis.url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await redis.zcount(`gate:{${seriesUuid}}:${itemUuid}:pending`, '-inf', Date.now() - olderThanMs);
    } finally {
      redis.disconnect();
    }
  }

  /** Resolves when every event of the outbox has reached Kafka. */
  async outboxDrained(withinMs = 60_000): Promise<void> {
    await eventually(
      async () => {
        const { rows } = await this.sql.query(
          `select coalesce((select max(id) from outbox), 0) - coalesce((select min(position) from outbox_cursor), 0) as behind`,
        );
        if (Number(rows[0]?.['behind']) !== 0) throw new Error(`the relay is ${rows[0]?.['behind']} events behind`);
      },
      { withinMs },
    );
  }

  /** The logged errors of each process and the end of its log, for reports. */
  logs(lines = 15): string {
    return this.nodes
      .map(({ process }) => {
        const all = process.log().trim().split('\n');
        const faults = all.slice(0, -lines).filter((line) => line.includes('"level":"error"'));
        return [`--- ${process.name}`, ...faults.slice(-lines), ...all.slice(-lines)].join('\n');
      })
      .join('\n');
  }

  /** Stops all processes and removes their data. */
  async stop(): Promise<void> {
    for (const node of this.nodes) node.process.resume();
    await Promise.all([
      ...this.nodes.map((node) => node.process.kill()),
      this.sandboxProcess?.kill(),
      this.catalogProcess?.kill(),
    ]);
    await this.client?.end().catch(() => undefined);
    for (const node of this.nodes) {
      for (const proxy of [node.redis, node.postgres, node.http]) await proxy.close();
    }
    await Promise.all([this.providerProxy?.close(), this.callbackProxy?.close()]);
    await Promise.all([this.kafkaLink.close(), this.postgresLink.close()]);
    await Promise.all([this.postgres.stop(), this.redis.stop(), this.kafka.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async addNode(number: number): Promise<void> {
    const [redis, postgres] = await Promise.all([
      TcpProxy.start({ targetPort: portOf(this.redis.url) }),
      TcpProxy.start({ targetPort: portOf(this.postgres.url) }),
    ]);
    const name = `orders-${number}`;
    const process = await ServiceProcess.start({
      name,
      script: 'apps/orders/src/main.js',
      env: {
        ...this.environment(),
        ORDERS_DATABASE_URL: postgres.through(this.databaseUrl('orders')),
        REDIS_URL: redis.through(this.redis.url),
        ...this.options.envOf?.(name),
      },
      folder: this.folder,
    });
    const http = await TcpProxy.start({ targetPort: portOf(process.url) });
    this.nodes.push({ process, redis, postgres, http, url: `http://127.0.0.1:${http.port}` });
  }

  private readonly sandboxPort = 20_000 + (randomBytes(2).readUInt16BE() % 10_000);

  private async migrate(service: string): Promise<void> {
    await buildServices();
    const script = join(projectRoot(), 'dist', 'apps', service, 'src', 'main.js');
    const env = { PATH: process.env['PATH'], ...this.environment() };
    await mustRun(process.execPath, [script, 'migrate'], { cwd: this.folder, env, timeoutMs: MIGRATE_WITHIN_MS });
  }

  private environment(): Record<string, string> {
    return {
      ...this.issuer.env,
      DATABASE_URL: this.postgresLink.through(this.postgres.url),
      REDIS_URL: this.redis.url,
      KAFKA_BROKERS: this.kafkaLink.through(this.kafka.url),
      CURSOR_SECRET: 'a cursor secret that is long enough',
      PAYMENT_PROVIDER: 'sandbox',
      PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${this.providerLink.port}`,
      PAYMENTS_PROVIDER_KEY: SANDBOX_KEY,
      PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      PAYMENTS_CALLBACK_URL: 'http://127.0.0.1:9/',
      GATE_PENDING_GRACE_MS: String(PENDING_GRACE_MS),
      LOG_LEVEL: 'info',
    };
  }
}

function portOf(address: string): number {
  return Number(new URL(address).port);
}
