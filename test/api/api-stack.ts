// All services in one process on real engines, with separate databases and topics, and a client that returns the complete
// answer.
import { openApiDocument, type Role } from '@gravity/http';
import type { Environment } from '@gravity/kernel';
import type { JsonLogger } from '@gravity/observability';
import { openDatabase } from '@gravity/persistence';
import { bootServices, migrateService, type RunningServices } from '@gravity/service';
import {
  engines,
  freePort,
  freshDatabase,
  type FreshDatabase,
  localIssuer,
  type LocalIssuer,
  uniquePrefix,
} from '@gravity/testing';
import { request } from 'undici';
import { SERVICES } from '../../apps/services';
import type { ApiDescription } from '../../tools/contracts/served-api';

/** Tables that background work and events of other services change. */
const BACKGROUND = /outbox|inbox|relay|lease|gate|migration|deliver|snapshot/;
/** Columns of other tables that the keeper of the gate changes. */
const BACKGROUND_COLUMNS = ['epoch', 'admission', 'gate_run_id', 'admission_changed_at'];

export const PROVIDER_KEY = 'key_of_the_merchant_server';
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const CURSOR_SECRET = 'a secret of the test that is long enough';

/** An answer; `body` is the parsed JSON. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- specs look into any answer
  readonly body: any;
  readonly headers: Record<string, string | string[] | undefined>;
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly json?: unknown;
  /** Sent unchanged, with this type. */
  readonly raw?: { readonly body: string | Buffer; readonly type: string | undefined };
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiStack {
  readonly api: ApiDescription;
  private readonly connections: readonly ReturnType<typeof openDatabase>[];
  private readonly tables = new Map<object, string[]>();
  private readonly tokens = new Map<string, Promise<string>>();

  private constructor(
    readonly running: RunningServices,
    readonly issuer: LocalIssuer,
    private readonly databases: readonly FreshDatabase[],
    /** The configuration of the services. */
    readonly env: Environment,
  ) {
    // As a client receives it.
    this.api = JSON.parse(JSON.stringify(openApiDocument(running.app))) as ApiDescription;
    this.connections = databases.map(({ url }) => openDatabase({ url, applicationName: 'spec', poolSize: 1 }));
  }

  /** Starts everything. `overrides` take precedence over the configuration. */
  static async start(name: string, logger?: JsonLogger, overrides: Environment = {}): Promise<ApiStack> {
    const issuer = await localIssuer();
    const databases = await Promise.all(SERVICES.map((service) => freshDatabase(`${name} ${service.name}`)));
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const env = {
      ...issuer.env,
      ...databaseUrls(databases),
      REDIS_URL: engines().redisUrl,
      KAFKA_BROKERS: engines().kafkaBrokers,
      KAFKA_TOPIC_PREFIX: uniquePrefix(),
      CURSOR_SECRET,
      PAYMENT_PROVIDER: 'sandbox',
      PAYMENTS_PROVIDER_URL: base,
      PAYMENTS_PROVIDER_KEY: PROVIDER_KEY,
      PAYMENTS_WEBHOOK_SECRETS: WEBHOOK_SECRET,
      PAYMENTS_CALLBACK_URL: `${base}/orders/v1/payment-callbacks/sandbox`,
      PAYMENTS_SANDBOX_PUBLIC_URL: base,
      LOG_LEVEL: process.env['SPEC_LOG_LEVEL'] ?? 'fatal',
      ...overrides,
    };
    for (const service of SERVICES) await migrateService(service, env);
    const running = await bootServices(SERVICES, { env, port, grpcPort: 0, ...(logger && { logger }) });
    return new ApiStack(running, issuer, databases, env);
  }

  async stop(): Promise<void> {
    await this.running.close();
    for (const connection of this.connections) await connection.close();
    for (const database of this.databases) await database.drop();
  }

  /** A valid token; the same one for the same caller. */
  token(role: Role, sub = `${role}_1`): Promise<string> {
    const name = `${role} ${sub}`;
    const known = this.tokens.get(name) ?? this.issuer.mint({ sub, roles: [role] });
    this.tokens.set(name, known);
    return known;
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { token, json, raw, headers } = options;
    const type = raw === undefined ? (json === undefined ? undefined : 'application/json') : raw.type;
    const body = raw === undefined ? (json === undefined ? undefined : JSON.stringify(json)) : raw.body;
    const answer = await request(`${this.running.url}${path}`, {
      method: method as 'GET',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(type === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    if (String(answer.headers['content-type']).startsWith('text/event-stream')) {
      // An event stream does not end, so it is closed here.
      answer.body.on('error', () => undefined).destroy();
      return { status: answer.statusCode, text: '', body: undefined, headers: answer.headers };
    }
    const text = await answer.body.text();
    return { status: answer.statusCode, text, body: parsed(text), headers: answer.headers };
  }

  /** A digest of every table that only requests change, like `catalog.products: 3 rows, 0cc1…`. */
  async contents(): Promise<string[]> {
    const lists = this.connections.map(async (database, index) => {
      const tables = await this.countedTables(database);
      const digests = tables.map(
        (name) =>
          `select '${name}' as name, count(*)::int as n, md5(coalesce(string_agg(row, e'\\n' order by row), '')) as digest
             from (select (to_jsonb(t) - $1::text[])::text as row from "${name}" t) as rows`,
      );
      const rows = await database.query<{ name: string; n: number; digest: string }>(
        `${digests.join(' union all ')} order by 1`,
        [BACKGROUND_COLUMNS],
      );
      return rows.map(({ name, n, digest }) => `${SERVICES[index]!.name}.${name}: ${n} rows, ${digest}`);
    });
    return (await Promise.all(lists)).flat();
  }

  private async countedTables(database: ReturnType<typeof openDatabase>): Promise<string[]> {
    const known = this.tables.get(database);
    if (known !== undefined) return known;
    const tables = await database.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public'`,
    );
    const counted = tables.map(({ name }) => name).filter((name) => !BACKGROUND.test(name));
    this.tables.set(database, counted);
    return counted;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `CATALOG_DATABASE_URL` and the like, in the order of the services. */
function databaseUrls(databases: readonly FreshDatabase[]): Record<string, string> {
  return Object.fromEntries(
    SERVICES.map(({ name }, index) => [
      `${name.replaceAll('-', '_').toUpperCase()}_DATABASE_URL`,
      databases[index]!.url,
    ]),
  );
}
