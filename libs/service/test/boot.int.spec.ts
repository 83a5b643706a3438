// The platform parts of a process, and its stop, over real sockets.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { Agent, request } from 'undici';
import { createLogger } from '@gravity/observability';
import { type LocalIssuer, localIssuer } from '@gravity/testing';
import { HealthRegistry, routesOf, ShutdownHooks } from '@gravity/http';
import { bootServices, type RunningServices, defineService } from '../src';
import { ThingsModule } from './things.fixture';

/** Sends one request, and a second one over the same connection on request. Returns the first line of each answer. */
const IDLE_CLIENT = `
  const { parentPort, workerData } = require('node:worker_threads');
  const socket = require('node:net').connect(workerData.port, '127.0.0.1');
  const ask = () => socket.write('GET /health/live HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
  socket.on('data', (bytes) => parentPort.postMessage(String(bytes).split('\\r\\n')[0]));
  socket.on('error', (error) => parentPort.postMessage(String(error)));
  socket.on('end', () => parentPort.postMessage('closed'));
  parentPort.on('message', () => setTimeout(ask, 100));
  ask();
`;

const logger = createLogger({ service: 'things', level: 'silent' });
let issuer: LocalIssuer;
let env: Record<string, string>;
let running: RunningServices;

async function boot(more: Record<string, string> = {}): Promise<RunningServices> {
  const definition = defineService({ name: 'things', features: [ThingsModule], database: false });
  return bootServices([definition], { env: { ...env, ...more }, port: 0, logger });
}

async function call(
  method: 'GET' | 'POST',
  path: string,
  options: { headers?: Record<string, string>; body?: string | Buffer } = {},
) {
  const answer = await request(running.url + path, { method, ...options });
  const text = await answer.body.text();
  const json = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: answer.statusCode, headers: answer.headers, json };
}

beforeAll(async () => {
  issuer = await localIssuer();
  env = { ...issuer.env, CURSOR_SECRET: 'c'.repeat(32) };
  running = await boot();
});

afterAll(async () => {
  await running.close();
});

describe('around the services', () => {
  it('has probes, metrics, documentation', async () => {
    expect((await call('GET', '/health/live')).json).toEqual({ status: 'alive' });
    expect((await call('GET', '/health/startup')).json).toEqual({ status: 'started' });
    expect((await call('GET', '/health/ready')).json).toMatchObject({ status: 'ready' });
    expect((await call('GET', '/things/v1/mine')).status).toBe(401);
    const metrics = await (await request(`${running.url}/metrics`)).body.text();
    expect(metrics).toMatch(
      /http_request_duration_seconds_count\{service="things",operation="getMine",status="4xx"\} \d+/,
    );
    expect(metrics).toContain('nodejs_eventloop_lag');
    expect((await call('GET', '/problems/sold-out')).json).toMatchObject({ code: 'sold-out', status: 409 });
    const docs = await request(`${running.url}/docs`);
    expect(docs.headers['content-security-policy']).toContain("default-src 'none'");
    expect(await docs.body.text()).toContain('<title>Gravity API</title>');
  });

  it('describes every operation, its callers and its problems', async () => {
    const { json: spec } = await call('GET', '/openapi.json');
    expect(spec['openapi']).toBe('3.1.0');
    const paths = spec['paths'] as Record<string, Record<string, Record<string, unknown>>>;
    expect(paths['/things/v1/hot']?.['post']).toMatchObject({ operationId: 'hot', 'x-callers': ['buyer'] });
    expect(Object.keys(paths['/things/v1/hot']!['post']!['responses'] as object)).toEqual(
      expect.arrayContaining(['400', '401', '403', '409', '503']),
    );
    const routes = routesOf(running.app).filter((route) => route.path.startsWith('/things'));
    expect(routes).toHaveLength(9);
    for (const route of routes)
      expect(paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()]).toBeDefined();
  });

  it('is unready while something critical is down, degraded while something else is', async () => {
    const other = await boot();
    const health = other.app.get(HealthRegistry);
    health.register('kafka', () => Promise.resolve(false), { critical: false });
    expect((await request(`${other.url}/health/ready`)).statusCode).toBe(200);
    health.register('postgres', () => new Promise(() => undefined), { timeoutMs: 20 });
    const answer = await request(`${other.url}/health/ready`);
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(await answer.body.json()).toMatchObject({ detail: 'Unusable: kafka, postgres.', state: 'unready' });
    await other.close();
  });

  it('boots while nothing else is up', async () => {
    const other = await boot({ REDIS_URL: 'redis://127.0.0.1:1' });
    for (let index = 0; index < 3; index += 1) {
      const answer = await request(`${other.url}/things/v1/limited`);
      expect(answer.statusCode).toBe(200);
      await answer.body.dump();
    }
    await other.close();
  });
});

describe('stopping', () => {
  it('finishes every accepted request, over busy and idle connections', async () => {
    const other = await boot();
    const order: string[] = [];
    const hooks = other.app.get(ShutdownHooks);
    hooks.onDrain('first', async () => void order.push('first'));
    hooks.onDrain('broken', () => Promise.reject(new Error('no')));
    hooks.onDrain('last', async () => void order.push('last'));
    // One connection each: a connection that is only just being made when the listener closes was never accepted.
    const agents: Agent[] = [];
    const outcomes = { ok: 0, closed: 0, broken: [] as string[] };
    let stopped = false;
    const client = async (path: string): Promise<void> => {
      const agent = new Agent({ connections: 1, keepAliveTimeout: 60_000 });
      agents.push(agent);
      while (!stopped) {
        try {
          const answer = await request(other.url + path, { dispatcher: agent });
          await answer.body.dump();
          if (answer.statusCode === 200) outcomes.ok += 1;
          else outcomes.broken.push(String(answer.statusCode));
        } catch (error) {
          if ((error as { code?: string }).code !== 'ECONNREFUSED') outcomes.broken.push(String(error));
          else outcomes.closed += 1;
          return;
        }
      }
    };
    const clients = [...Array(20).keys()].map((index) => client(index % 2 === 0 ? '/things/v1/slow' : '/health/live'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await other.close();
    stopped = true;
    await Promise.all(clients);
    await Promise.all(agents.map((agent) => agent.close()));
    expect(outcomes.broken).toEqual([]);
    expect(outcomes.ok).toBeGreaterThan(50);
    expect(outcomes.closed).toBeGreaterThan(0);
    expect(order).toEqual(['first', 'last']);
    await expect(other.close()).resolves.toBeUndefined();
  });

  it('answers what has arrived on an idle connection, however late the process comes to read it', async () => {
    const other = await boot();
    const client = new Worker(IDLE_CLIENT, { eval: true, workerData: { port: Number(new URL(other.url).port) } });
    expect(await once(client, 'message')).toEqual(['HTTP/1.1 200 OK']);
    const closing = other.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.postMessage('send again');
    // The process stands still until it is past the time when it closes idle connections.
    for (const until = performance.now() + 600; performance.now() < until;);
    expect(await once(client, 'message')).toEqual(['HTTP/1.1 200 OK']);
    await closing;
    await client.terminate();
  });

  it('says that it is leaving before it leaves', async () => {
    const other = await boot({ SHUTDOWN_DRAIN_MS: '300' });
    const closing = other.close();
    const early = await request(`${other.url}/health/ready`);
    expect(early.statusCode).toBe(503);
    expect(await early.body.json()).toMatchObject({ state: 'draining' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const late = await request(`${other.url}/health/live`);
    expect(late.headers['connection']).toBe('close');
    await late.body.dump();
    await closing;
  });

  it('does not wait for a connection that never ends', async () => {
    const other = await boot({ SHUTDOWN_TIMEOUT_MS: '1000' });
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'POST /things/v1/bare HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Type: application/json\r\n\r\n{',
    );
    await once(socket, 'connect');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const started = Date.now();
    await other.close();
    expect(Date.now() - started).toBeLessThan(3_000);
    socket.destroy();
  });

  it('frees its port', async () => {
    const other = await boot();
    const port = Number(new URL(other.url).port);
    await other.close();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});
