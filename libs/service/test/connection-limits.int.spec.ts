// Goal: a client that is slow, silent, or sends too much loses its connection, and others are not affected. Method: the
// real server over bare sockets, with the limits of time shortened; those of size are the real ones.
import { connect, type Socket } from 'node:net';
import { monotonicMs, sleep } from '@gravity/kernel';
import { localIssuer } from '@gravity/testing';
import { request } from 'undici';
import { bootServices, type RunningServices, defineService } from '../src';
import { CONNECTION_LIMITS } from '@gravity/http';
import { ThingsModule } from './things.fixture';

const LIMITS = { requestMs: 600, checkEveryMs: 100, silenceMs: 2_000, keepAliveMs: 400 };
/** Long, but far shorter than the production limits: the test checks that the cut happens. */
const CUT_WITHIN_MS = 8_000;
const MEBIBYTE = 1_048_576;

let running: RunningServices;

beforeAll(async () => {
  const issuer = await localIssuer();
  const definition = defineService({ name: 'things', features: [ThingsModule], database: false });
  const env = { ...issuer.env, CURSOR_SECRET: 'c'.repeat(32), LOG_LEVEL: 'silent' };
  running = await bootServices([definition], { env, port: 0, connectionLimits: LIMITS });
});

afterAll(async () => running?.close());

interface Heard {
  readonly text: string;
  readonly wasCut: boolean;
}

/** Sends on an own connection until it is cut, or for the longest time that a cut may take. */
async function speak(talk: (socket: Socket, isOpen: () => boolean) => Promise<void>): Promise<Heard> {
  const socket = connect(Number(new URL(running.url).port), '127.0.0.1');
  let text = '';
  let wasCut = false;
  const cut = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => (text += String(chunk)));
    // A write to a cut connection fails. The test looks for the cut.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      wasCut = true;
      resolve();
    });
  });
  await talk(socket, () => !wasCut);
  const patience = new AbortController();
  await Promise.race([cut, sleep(CUT_WITHIN_MS, patience.signal)]);
  patience.abort();
  socket.destroy();
  return { text, wasCut };
}

/** Sends one byte at a time until the cut. */
const trickle =
  (head: string, piece: string) =>
  async (socket: Socket, isOpen: () => boolean): Promise<void> => {
    socket.write(head);
    const until = monotonicMs() + CUT_WITHIN_MS;
    while (isOpen() && monotonicMs() < until) {
      socket.write(piece);
      await sleep(50);
    }
  };

/** Sends as much as the server takes. A reset may overtake the answer, so none is expected. */
const flood =
  (head: string, piece: string) =>
  async (socket: Socket, isOpen: () => boolean): Promise<void> => {
    socket.write(head);
    for (let sent = 0; isOpen() && sent < 64 * MEBIBYTE; sent += piece.length) {
      if (!socket.write(piece)) await sleep(1);
    }
  };

const POST = 'POST /things/v1/bare HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

it.each([
  ['headers that never end', trickle('GET /things/v1/notes HTTP/1.1\r\nHost: x\r\n', 'X: y\r\n'), /^HTTP\/1.1 408 /],
  ['a body that comes byte by byte', trickle(`${POST}Content-Length: 60000\r\n\r\n"`, 'x'), /^HTTP\/1.1 408 /],
  ['a body in pieces without end', trickle(`${POST}Transfer-Encoding: chunked\r\n\r\n`, chunk('x')), /^HTTP\/1.1 408 /],
  [
    'a body larger than it may be',
    flood(`${POST}Content-Length: ${64 * MEBIBYTE}\r\n\r\n`, 'x'.repeat(65_536)),
    /^(HTTP\/1.1 413 |$)/,
  ],
  [
    'pieces larger than the body may be',
    flood(`${POST}Transfer-Encoding: chunked\r\n\r\n`, chunk('x'.repeat(65_536))),
    /^(HTTP\/1.1 413 |$)/,
  ],
  [
    'a flood of headers',
    flood('GET /things/v1/notes HTTP/1.1\r\nHost: x\r\n', 'X-Flood: yyyyyyyy\r\n'.repeat(500)),
    /^(HTTP\/1.1 431 |$)/,
  ],
  ['a request line without end', flood('GET /', 'x'.repeat(8_192)), /^(HTTP\/1.1 431 |$)/],
])('cuts %s', async (_what, talk, answer) => {
  const { text, wasCut } = await speak(talk);
  expect({ text, wasCut }).toEqual({ text: expect.stringMatching(answer), wasCut: true });
  if (text !== '') expect(text).toContain('"code":');
});

it('cuts connections on which nothing is said, before a request and after one', async () => {
  const silent = await speak(async () => undefined);
  expect(silent.wasCut).toBe(true);
  const served = await speak(async (socket) => void socket.write('GET /things/v1/notes HTTP/1.1\r\nHost: x\r\n\r\n'));
  expect(served).toEqual({ text: expect.stringMatching(/^HTTP\/1.1 200 /), wasCut: true });
});

it('serves others while a hundred clients are slow', async () => {
  const port = Number(new URL(running.url).port);
  const slow = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  for (const socket of slow) socket.write(`${POST}Content-Length: 60000\r\n\r\n"`);
  for (let turn = 0; turn < 20; turn += 1) {
    const answer = await request(`${running.url}/things/v1/notes`);
    expect(answer.statusCode).toBe(200);
    await answer.body.dump();
  }
  for (const socket of slow) socket.destroy();
});

it('has bounds that a client can meet and an attacker cannot stretch', () => {
  expect(CONNECTION_LIMITS).toEqual({ requestMs: 30_000, checkEveryMs: 5_000, silenceMs: 60_000, keepAliveMs: 75_000 });
});
