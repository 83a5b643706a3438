// A small real application over real sockets: who may call, how every kind of fault looks, how it stops.
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, Req, Res } from '@nestjs/common';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { importJWK, SignJWT } from 'jose';
import { Agent, request } from 'undici';
import { createLogger } from '@gravity/observability';
import { type LocalIssuer, localIssuer } from '@gravity/testing';
import {
  AjvBodyPipe,
  bootServices,
  Caller,
  type CallerIdentity,
  compileBody,
  type HttpReply,
  type HttpRequest,
  HealthRegistry,
  ListQuery,
  Operation,
  prepareProblem,
  routesOf,
  type RunningServices,
  sendProblem,
  ShutdownHooks,
} from '.';

class NoteBody {
  @IsString()
  @MaxLength(10)
  text: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(9)
  weight?: number;
}

class NoteQuery extends ListQuery {
  @IsOptional()
  @IsString()
  about?: string;
}

const hotBody = compileBody<{ itemId: string }>({
  type: 'object',
  additionalProperties: false,
  required: ['itemId'],
  properties: { itemId: { type: 'string', maxLength: 10 } },
});
const soldOut = prepareProblem({
  code: 'sold-out',
  detail: 'Every unit is taken.',
  retryAfterSeconds: 2,
  extensions: { itemId: 'itm_1' },
});

@Controller('things/v1')
class ThingsHttp {
  @Get('mine')
  @Operation({ id: 'getMine', summary: 'Who am I', callers: ['buyer', 'merchant'] })
  mine(@Caller() caller: CallerIdentity): object {
    return { sub: caller.sub, roles: [...caller.roles], merchantId: caller.merchantId };
  }

  @Post('notes')
  @Operation({ id: 'addNote', summary: 'Adds a note', callers: ['operator'], status: 201 })
  add(@Body() body: NoteBody): object {
    return { text: body.text };
  }

  @Get('notes')
  @Operation({ id: 'listNotes', summary: 'Lists notes', publicBecause: 'a test' })
  list(@Query() query: NoteQuery): object {
    return { limit: query.limit };
  }

  @Get('notes/:id')
  @Operation({ id: 'getNote', summary: 'One note', publicBecause: 'a test' })
  one(@Param('id') id: string): object {
    return { id };
  }

  @Post('hot')
  @Operation({ id: 'hot', summary: 'Hot route', callers: ['buyer'], problems: ['sold-out'] })
  hot(@Body(new AjvBodyPipe(hotBody)) _body: { itemId: string }, @Res() reply: HttpReply): void {
    sendProblem(reply, soldOut);
  }

  @Post('bare')
  @HttpCode(200)
  @Operation({ id: 'bare', summary: 'Nothing', publicBecause: 'a test' })
  bare(@Req() req: HttpRequest): object {
    return { bytes: req.rawBody?.length ?? 0, body: req.body ?? null };
  }

  @Get('crash')
  @Operation({ id: 'crash', summary: 'Breaks', publicBecause: 'a test' })
  crash(): void {
    throw new Error('postgres://gravity:hunter2@db/orders refused');
  }

  @Get('slow')
  @Operation({ id: 'slow', summary: 'Takes its time', publicBecause: 'a test' })
  async slow(): Promise<object> {
    await new Promise((resolve) => setTimeout(resolve, 150));
    return { done: true };
  }

  @Get('limited')
  @Operation({
    id: 'limited',
    summary: 'Limited',
    publicBecause: 'a test',
    rateLimit: { perSecond: 1, burst: 3, scope: 'address', onRedisDown: 'open' },
  })
  limited(): object {
    return {};
  }
}

@Module({ controllers: [ThingsHttp] })
class ThingsModule {}

const lines: string[] = [];
const logger = createLogger({ service: 'things', destination: { write: (line) => void lines.push(line) } });
let issuer: LocalIssuer;
let env: Record<string, string>;
let running: RunningServices;

async function token(roles: string[] = ['buyer'], sub = 'b_1'): Promise<string> {
  return issuer.mint({ sub, roles });
}

async function boot(more: Record<string, string> = {}): Promise<RunningServices> {
  const definition = { name: 'things', module: ThingsModule, migrate: async () => undefined };
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

const json = { 'content-type': 'application/json' };
const bearer = (value: string): Record<string, string> => ({ authorization: `Bearer ${value}` });

beforeAll(async () => {
  issuer = await localIssuer();
  env = { ...issuer.env, CURSOR_SECRET: 'c'.repeat(32) };
  running = await boot();
});

afterAll(async () => {
  await running.close();
});

function expectProblem(answer: Awaited<ReturnType<typeof call>>, status: number, code: string): void {
  expect({ status: answer.status, code: answer.json['code'] }).toEqual({ status, code });
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(answer.json).toMatchObject({
    type: `/problems/${code}`,
    status,
    code,
    title: expect.any(String),
    detail: expect.any(String),
  });
  expect(answer.json['requestId']).toBe(answer.headers['x-request-id']);
  expect(JSON.stringify(answer.json)).not.toMatch(/\\n|node_modules|hunter2/);
}

describe('tokens', () => {
  it('lets a caller in, first by checking the token and then by remembering it', async () => {
    const headers = bearer(await token(['merchant', 'sorcerer'], 'mer_1'));
    for (let round = 0; round < 3; round += 1) {
      const answer = await call('GET', '/things/v1/mine', { headers });
      expect(answer).toMatchObject({ status: 200, json: { sub: 'mer_1', roles: ['merchant'], merchantId: 'mer_1' } });
    }
  });

  it('refuses every token that is not exactly right', async () => {
    const good = await token();
    const request_ = { sub: 'b_1', roles: ['buyer'] };
    const noExpiry = await new SignJWT({ roles: ['buyer'], sub: 'b_1', iss: issuer.issuer, aud: 'gravity' })
      .setProtectedHeader({ alg: 'EdDSA', kid: issuer.kid })
      .sign(await importJWK(issuer.privateJwk, 'EdDSA'));
    const bad: Record<string, Record<string, string>> = {
      missing: {},
      empty: { authorization: '' },
      basic: { authorization: 'Basic dXNlcjpwYXNz' },
      garbage: bearer('x.y.z'),
      'cut signature': bearer(good.slice(0, good.lastIndexOf('.') + 1)),
      'no expiry': bearer(noExpiry),
      oversized: bearer(`${'a'.repeat(5_000)}.b.c`),
      unsigned: bearer(issuer.bad.unsigned(request_)),
    };
    for (const kind of [
      'expired',
      'wrongAudience',
      'wrongIssuer',
      'wronglySigned',
      'tampered',
      'keyConfusion',
      'unknownKey',
    ] as const) {
      bad[kind] = bearer(await issuer.bad[kind](request_));
    }
    await call('GET', '/things/v1/mine', { headers: bearer(good) });
    for (const [name, headers] of Object.entries(bad)) {
      const answer = await call('GET', '/things/v1/mine', { headers });
      expect([name, answer.status]).toEqual([name, 401]);
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers['www-authenticate']).toContain('Bearer');
    }
  });

  it('refuses a role that the route does not name', async () => {
    expectProblem(
      await call('GET', '/things/v1/mine', { headers: bearer(await token(['operator'])) }),
      403,
      'forbidden',
    );
    expectProblem(await call('GET', '/things/v1/mine', { headers: bearer(await token([])) }), 403, 'forbidden');
  });

  it('answers 503, not 401, while the issuer does not answer', async () => {
    const other = await boot({ AUTH_JWKS: '', AUTH_JWKS_URL: 'http://127.0.0.1:1/jwks.json' });
    const answer = await request(`${other.url}/things/v1/mine`, { headers: bearer(await token()) });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    await answer.body.dump();
    await other.close();
  });

  it('does not start with a route that declares no callers, or with half a configuration', async () => {
    @Controller('silent')
    class SilentHttp {
      @Get()
      get(): object {
        return {};
      }
    }
    @Module({ controllers: [SilentHttp] })
    class SilentModule {}
    const definition = { name: 'silent', module: SilentModule, migrate: async () => undefined };
    await expect(bootServices([definition], { env, port: 0, logger })).rejects.toThrow(/GET \/silent/);
    await expect(bootServices([], { env: {}, port: 0, logger })).rejects.toThrow(
      /CURSOR_SECRET.*AUTH_ISSUER.*AUTH_JWKS_URL/,
    );
  });
});

describe('faults', () => {
  const note = (body: string | Buffer, headers: Record<string, string> = json) =>
    call('POST', '/things/v1/bare', { headers, body });

  it('names every fault of a DTO by its place', async () => {
    const headers = { ...json, ...bearer(await token(['operator'])) };
    const body = JSON.stringify({ text: 'much too long a text', weight: 0, price: 1 });
    const answer = await call('POST', '/things/v1/notes', { headers, body });
    expectProblem(answer, 400, 'invalid-request');
    expect((answer.json['errors'] as { pointer: string }[]).map((fault) => fault.pointer).sort()).toEqual([
      '/price',
      '/text',
      '/weight',
    ]);
    for (const wrong of ['[]', '"x"', 'null', '']) {
      expectProblem(await call('POST', '/things/v1/notes', { headers, body: wrong }), 400, 'invalid-request');
    }
    expect((await call('POST', '/things/v1/notes', { headers, body: '{"text":"ok"}' })).status).toBe(201);
  });

  it('places faults of a query and answers unknown parameters', async () => {
    expect((await call('GET', '/things/v1/notes?limit=7&about=x')).json).toEqual({ limit: 7 });
    expect((await call('GET', '/things/v1/notes')).json).toEqual({ limit: 20 });
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'offset=3', '__proto__[a]=1']) {
      const answer = await call('GET', `/things/v1/notes?${query}`);
      expectProblem(answer, 400, 'invalid-request');
      expect((answer.json['errors'] as { pointer: string }[])[0]?.pointer).toMatch(/^query\//);
    }
  });

  it('refuses bodies that could be read in two ways', async () => {
    const deep = `${'['.repeat(60)}${']'.repeat(60)}`;
    const bodies = [
      '{',
      '{"a":1,"a":2}',
      '{"x":{"a":1,"\\u0061":2}}',
      '{"__proto__":{"admin":true}}',
      '{"constructor":{"prototype":{}}}',
      deep,
      '[1,2',
      'NaN',
    ];
    for (const body of bodies) expectProblem(await note(body), 400, 'invalid-request');
    expectProblem(await note(Buffer.from([0x22, 0xff, 0xfe, 0x22])), 400, 'invalid-request');
    const fine = '{"a":"x:y\\":{","b":[{"a":1},{"a":"\\\\"}]}';
    expect(await note(fine)).toMatchObject({ status: 200, json: { bytes: Buffer.byteLength(fine) } });
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('bounds and types the body', async () => {
    expectProblem(await note(JSON.stringify('x'.repeat(70_000))), 413, 'payload-too-large');
    expectProblem(
      await note('a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported-media-type',
    );
    expectProblem(await note('{}', { 'content-type': 'text/plain' }), 415, 'unsupported-media-type');
    expectProblem(await note('{}', { 'content-type': 'nonsense' }), 415, 'unsupported-media-type');
    expect((await call('POST', '/things/v1/bare')).json).toEqual({ bytes: 0, body: null });
  });

  it('answers unknown routes and broken addresses', async () => {
    expectProblem(await call('GET', '/nowhere'), 404, 'route-not-found');
    expectProblem(await call('POST', '/things/v1/mine'), 404, 'route-not-found');
    expectProblem(await call('GET', `/things/v1/notes/${'x'.repeat(200)}`), 400, 'invalid-request');
    expectProblem(await call('GET', '/things/v1/notes/%zz'), 400, 'invalid-request');
  });

  it('hides what broke, and logs it without its secrets', async () => {
    lines.length = 0;
    const answer = await call('GET', '/things/v1/crash', { headers: { 'x-request-id': 'trace-me' } });
    expectProblem(answer, 500, 'internal');
    expect(answer.json['requestId']).toBe('trace-me');
    const line = lines.find((text) => text.includes('trace-me'))!;
    expect(line).toContain('postgres://gravity:***@db');
    expect(line).toContain('boot.int.spec');
    expect(lines.join('')).not.toContain('hunter2');
  });

  it('keeps harmless request ids only', async () => {
    const answer = await call('GET', '/nowhere', { headers: { 'x-request-id': 'a"b,{}' } });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{20}-\w+$/);
  });

  it('answers what is not HTTP with a problem document too', async () => {
    const port = Number(new URL(running.url).port);
    const speak = async (text: string): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      socket.end(text);
      let heard = '';
      socket.on('data', (chunk) => (heard += String(chunk)));
      await once(socket, 'close');
      return heard;
    };
    expect(await speak('HELLO\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"invalid-request"/);
    expect(await speak(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
  });

  it('refuses on the fast path with the same document', async () => {
    const headers = { ...json, ...bearer(await token()) };
    const answer = await call('POST', '/things/v1/hot', { headers, body: '{"itemId":"itm_1"}' });
    expectProblem(answer, 409, 'sold-out');
    expect(answer.json).toMatchObject({ itemId: 'itm_1', retryable: true });
    expect(answer.headers['retry-after']).toBe('2');
    const bad = await call('POST', '/things/v1/hot', { headers, body: '{"itemId":"itm_1","price":1}' });
    expectProblem(bad, 400, 'invalid-request');
    expect(bad.json['errors']).toEqual([{ pointer: '/price', message: 'is not a known property' }]);
  });

  it('limits a caller and says when to come back', async () => {
    const answers = [];
    for (let index = 0; index < 6; index += 1) answers.push(await call('GET', '/things/v1/limited'));
    const refused = answers.filter((answer) => answer.status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expectProblem(refused[0]!, 429, 'rate-limited');
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused[0]!.headers['ratelimit-policy']).toBe('"limited";q=3;w=3');
  });
});

describe('around the services', () => {
  it('has probes, metrics, documentation', async () => {
    expect((await call('GET', '/health/live')).json).toEqual({ status: 'alive' });
    expect((await call('GET', '/health/startup')).json).toEqual({ status: 'started' });
    expect((await call('GET', '/health/ready')).json).toMatchObject({ status: 'ready' });
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
    expect(await answer.body.json()).toMatchObject({ detail: 'Not usable: kafka, postgres.', state: 'unready' });
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
