// Every service as two real processes behind a balancer, as in a deployment. Services and clients use the balancers only.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import {
  buildServices,
  engines,
  eventually,
  freePort,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  type LocalIssuer,
  projectRoot,
  ServiceProcess,
  temporaryFolder,
  uniquePrefix,
} from '@gravity/testing';
import { SERVICES as REGISTRY } from '../../apps/services';
import { Balancer } from './balancer';

/** The names of all services. */
export const SERVICES = REGISTRY.map(({ name }) => name);
const PROCESSES = 2;
const MIGRATE_WITHIN_MS = 60_000;
/** The balancers see within this time that a process is draining, also on a busy machine. */
const DRAIN_MS = 5_000;
const PROVIDER_KEY = 'key_of_the_merchant_server';

interface Ports {
  readonly http: readonly number[];
  readonly grpc: readonly number[];
}

/** Two processes of each service. {@link stop} ends them and removes their files. */
export class PairedServices {
  private readonly processes = new Map<string, ServiceProcess[]>();
  private readonly http = new Map<string, Balancer>();
  private readonly grpc = new Map<string, Balancer>();
  private readonly clients = new Map<string, Client>();
  private readonly ports = new Map<string, Ports>();

  private constructor(
    readonly issuer: LocalIssuer,
    private readonly databases: ReadonlyMap<string, FreshDatabase>,
    private readonly folder: string,
  ) {}

  /** Migrates and starts everything; resolves when all processes are ready. */
  static async start(): Promise<PairedServices> {
    await buildServices();
    const [issuer, folder, ...made] = await Promise.all([
      localIssuer(),
      temporaryFolder(),
      ...SERVICES.map((service) => freshDatabase(`rolling ${service}`)),
    ]);
    const databases = new Map(SERVICES.map((service, index) => [service, made[index]!]));
    const services = new PairedServices(issuer, databases, folder);
    try {
      await services.startAll();
      return services;
    } catch (error) {
      await services.stop();
      throw error;
    }
  }

  /** The HTTP address of a service. */
  url(service: string): string {
    return `http://127.0.0.1:${this.http.get(service)!.port}`;
  }

  /** The gRPC address of a service. */
  grpcAddress(service: string): string {
    return `127.0.0.1:${this.grpc.get(service)!.port}`;
  }

  /** Runs SQL on the database of a service. */
  async sql<T>(service: string, text: string, params: unknown[] = []): Promise<T[]> {
    let client = this.clients.get(service);
    if (client === undefined) {
      client = new Client({ connectionString: this.databases.get(service)!.url });
      this.clients.set(service, client);
      await client.connect();
    }
    return (await client.query(text, params)).rows as T[];
  }

  /** Stops one process of each service and starts it again; resolves when the balancers send requests to it. */
  async restart(index: number): Promise<void> {
    await Promise.all(
      SERVICES.map(async (service) => {
        const process = this.processes.get(service)![index]!;
        await process.stop();
        await process.start();
        await process.ready();
      }),
    );
    await this.allReady();
  }

  /** The logs of the processes of a service. */
  logs(service: string): string[] {
    return this.processes.get(service)!.map((process) => process.log());
  }

  /** Connections that came while no process was ready. */
  get refusedConnections(): number {
    return [...this.http.values(), ...this.grpc.values()].reduce((sum, balancer) => sum + balancer.refused, 0);
  }

  /** Ends everything, in any state. */
  async stop(): Promise<void> {
    await Promise.all([...this.processes.values()].flat().map((process) => process.kill()));
    await Promise.all([...this.http.values(), ...this.grpc.values()].map((balancer) => balancer.close()));
    await Promise.all([...this.clients.values()].map((client) => client.end()));
    for (const database of this.databases.values()) await database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async startAll(): Promise<void> {
    for (const service of SERVICES) await this.startBalancers(service);
    const topicPrefix = uniquePrefix();
    await Promise.all(SERVICES.map((service) => this.migrate(service, this.environment(topicPrefix))));
    await Promise.all(SERVICES.map((service) => this.startPair(service, this.environment(topicPrefix))));
    await this.allReady();
  }

  private async startBalancers(service: string): Promise<void> {
    const take = (): Promise<number[]> => Promise.all(Array.from({ length: PROCESSES }, () => freePort()));
    const [http, grpc] = [await take(), await take()];
    this.ports.set(service, { http, grpc });
    const readyAt = (index: number): string => `http://127.0.0.1:${http[index]}`;
    const before = (ports: readonly number[]): Promise<Balancer> =>
      Balancer.start(ports.map((port, index) => ({ port, readyAt: readyAt(index) })));
    this.http.set(service, await before(http));
    this.grpc.set(service, await before(grpc));
  }

  private async migrate(service: string, environment: Record<string, string>): Promise<void> {
    const script = join(projectRoot(), 'dist', 'apps', service, 'src', 'main.js');
    const env = { PATH: process.env['PATH'], ...environment };
    await promisify(execFile)(process.execPath, [script, 'migrate'], { env, timeout: MIGRATE_WITHIN_MS });
  }

  private async startPair(service: string, environment: Record<string, string>): Promise<void> {
    const { http, grpc } = this.ports.get(service)!;
    const starts = http.map((port, index) =>
      ServiceProcess.start({
        name: `${service}-${index + 1}`,
        script: `apps/${service}/src/main.js`,
        env: { ...environment, GRPC_PORT: String(grpc[index]) },
        folder: this.folder,
        port,
      }),
    );
    this.processes.set(service, await Promise.all(starts));
  }

  private allReady(): Promise<void> {
    const balancers = [...this.http.values(), ...this.grpc.values()];
    return eventually(
      async () => {
        if (balancers.some(({ readyCount }) => readyCount < PROCESSES)) throw new Error('a process is not ready');
      },
      { withinMs: 60_000 },
    );
  }

  private environment(topicPrefix: string): Record<string, string> {
    const { databaseUrl, redisUrl, kafkaBrokers } = engines();
    const callback = `${this.url('orders')}/orders/v1/payment-callbacks/sandbox`;
    return {
      ...this.issuer.env,
      DATABASE_URL: databaseUrl,
      ...Object.fromEntries(
        SERVICES.map((service) => [
          `${service.replaceAll('-', '_').toUpperCase()}_DATABASE_URL`,
          this.databases.get(service)!.url,
        ]),
      ),
      REDIS_URL: redisUrl,
      KAFKA_BROKERS: kafkaBrokers,
      KAFKA_TOPIC_PREFIX: topicPrefix,
      CURSOR_SECRET: 'a cursor secret that is long enough',
      PAYMENT_PROVIDER: 'sandbox',
      PAYMENTS_PROVIDER_URL: this.url('payments-sandbox'),
      PAYMENTS_PROVIDER_KEY: PROVIDER_KEY,
      PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      PAYMENTS_CALLBACK_URL: callback,
      PAYMENTS_SANDBOX_PUBLIC_URL: this.url('payments-sandbox'),
      SHUTDOWN_DRAIN_MS: String(DRAIN_MS),
      LOG_LEVEL: 'info',
    };
  }
}
