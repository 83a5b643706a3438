// Goal: addresses that send invalid tokens are refused, known callers are not. Method: requests over real sockets, with
// the address in X-Forwarded-For as a balancer writes it. There is no Redis, so the process counts alone.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createLogger } from '@gravity/observability';
import { type LocalIssuer, localIssuer } from '@gravity/testing';
import { request } from 'undici';
import { bootServices, type RunningServices, defineService } from '../src';
import { ThingsModule } from './things.fixture';

const PER_SECOND = 5;
/** The burst of four seconds, and the requests allowed during the test. */
const TRIES = 150;

const errors: string[] = [];
const logger = createLogger({
  service: 'things',
  level: 'error',
  destination: { write: (line) => void errors.push(line) },
});
let issuer: LocalIssuer;
let running: RunningServices;

beforeAll(async () => {
  issuer = await localIssuer();
  const env = {
    ...issuer.env,
    CURSOR_SECRET: 'c'.repeat(32),
    TRUSTED_PROXIES: '1',
    BAD_TOKENS_PER_SECOND: String(PER_SECOND),
  };
  const definition = defineService({ name: 'things', features: [ThingsModule], database: false });
  running = await bootServices([definition], { env, port: 0, logger });
});

afterAll(() => running.close());

async function ask(address: string, token?: string): Promise<number> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await request(`${running.url}/things/v1/mine`, {
    headers: { 'x-forwarded-for': address, ...authorization },
  });
  await answer.body.dump();
  return answer.statusCode;
}

const buyer = (sub: string): Promise<string> => issuer.mint({ sub, roles: ['buyer'] });

it.each([
  ['bad', '192.0.2.1', 'x.y.z'],
  ['missing', '192.0.2.2', undefined],
])('refuses an address after too many %s tokens, but no known caller', async (_kind, address, token) => {
  const known = await buyer('b_known');
  expect(await ask(address, known)).toBe(200);
  const answers: number[] = [];
  for (let count = 0; count < TRIES; count += 1) answers.push(await ask(`198.51.100.${count}, ${address}`, token));
  expect(new Set(answers)).toEqual(new Set([401, 429]));
  expect(answers.slice(0, PER_SECOND)).not.toContain(429);
  expect(await ask(address, known)).toBe(200);
  expect(await ask('192.0.2.3', await buyer(`b_of_another_address_${address}`))).toBe(200);
});

it('does not count valid tokens', async () => {
  for (let count = 0; count < TRIES; count += 1) expect(await ask('192.0.2.4', await buyer(`b_${count}`))).toBe(200);
});

it('accepts a request whose connection has closed before it is read', async () => {
  const { hostname, port } = new URL(running.url);
  for (const token of ['', `authorization: Bearer x.y.z\r\n`, `authorization: Bearer ${await buyer('b_gone')}\r\n`]) {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    // The request and the reset arrive before the process reads, so the request has no address.
    socket.write(`GET /things/v1/mine HTTP/1.1\r\nhost: things\r\n${token}\r\n`);
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  expect(await ask('192.0.2.5', await buyer('b_next'))).toBe(200);
  expect(errors).toEqual([]);
});
