// Access rules and the answers to every kind of fault, over real sockets.
import { once } from 'node:events';
import { connect } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { importJWK, SignJWT } from 'jose';
import { request } from 'undici';
import { createLogger } from '@gravity/observability';
import { type LocalIssuer, localIssuer } from '@gravity/testing';
import { bootServices, type RunningServices, defineService } from '../src';
import { ThingsModule } from './things.fixture';

const lines: string[] = [];
const logger = createLogger({ service: 'things', destination: { write: (line) => void lines.push(line) } });
let issuer: LocalIssuer;
let env: Record<string, string>;
let running: RunningServices;

async function token(roles: string[] = ['buyer'], sub = 'b_1'): Promise<string> {
  return issuer.mint({ sub, roles });
}

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
  it('admits a caller, first by checking the token and then from the cache', async () => {
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
      'subject with a null character': bearer(await token(['buyer'], 'b_\u0000')),
      'subject with half a surrogate pair': bearer(await token(['buyer'], 'b_\ud800')),
      'overlong subject': bearer(await token(['buyer'], 'b'.repeat(129))),
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
    const definition = defineService({ name: 'silent', features: [SilentModule], database: false });
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

  it('refuses ambiguous bodies', async () => {
    const deep = `${'['.repeat(60)}${']'.repeat(60)}`;
    const bodies = [
      '{',
      '{"a":1,"a":2}',
      '{"x":{"a":1,"\\u0061":2}}',
      '{"__proto__":{"admin":true}}',
      '{"deep":[{"__pro\\u0074o__":{"admin":true}}]}',
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

  it('answers unknown routes and malformed URLs', async () => {
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
    expect(line).toContain('things.fixture');
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
