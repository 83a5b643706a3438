// Goal: a gRPC connection without calls, or with pings alone, is closed and does not disturb others; a call whose
// caller has disconnected ends. Method: the real server over bare sockets and HTTP/2 sessions, with the limits of time
// shortened.
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Module } from '@nestjs/common';
import { type Client, credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { protoPackage } from '@gravity/contracts';
import { monotonicMs, sleep } from '@gravity/kernel';
import { localIssuer } from '@gravity/testing';
import { bootServices, type RunningServices, defineService } from '../src';

const LIMITS = { askAfterMs: 300, answerWithinMs: 300, idleMs: 900 };
/** Long, but far shorter than the production limits: the test checks that the cut happens. */
const CUT_WITHIN_MS = 8_000;
const FLOODS = 400;
const PINGS_PER_FLOOD = 1_000;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Length, type, flags, stream. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const PING = Buffer.concat([Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]), Buffer.alloc(8, 'p')]);

// The methods answer UNIMPLEMENTED; the test calls the health service.
@Module({})
class NothingModule {}

let running: RunningServices;
let port: number;

beforeAll(async () => {
  const issuer = await localIssuer();
  const grpc = protoPackage('catalog');
  const definition = defineService({ name: 'nothing', features: [NothingModule], grpc, database: false });
  const env = { ...issuer.env, CURSOR_SECRET: 'c'.repeat(32), LOG_LEVEL: 'silent' };
  running = await bootServices([definition], { env, port: 0, grpcPort: 0, grpcConnectionLimits: LIMITS });
  port = Number(running.grpcUrl!.split(':')[1]);
});

afterAll(async () => running?.close());

/** A connection that sends these bytes, then nothing, and never reads; true when it is cut. */
async function wasCut(talk: (socket: Socket) => Promise<void> | void): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  // A write to a cut connection fails. The test looks for the cut.
  socket.on('error', () => undefined);
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)));
  await once(socket, 'connect');
  await talk(socket);
  socket.resume();
  const patience = new AbortController();
  const late = sleep(CUT_WITHIN_MS, patience.signal).then(() => false);
  const result = await Promise.race([closed, late]);
  patience.abort();
  socket.destroy();
  return result;
}

interface Answer {
  readonly code: number;
  readonly tookMs: number;
}

/** Calls the health service over an own connection. */
async function ask(deadlineMs = 5_000): Promise<Answer> {
  const loaded = loadPackageDefinition(loadSync(protoPath)) as unknown as {
    grpc: { health: { v1: { Health: new (url: string, how: unknown) => Client } } };
  };
  const client = new loaded.grpc.health.v1.Health(running.grpcUrl!, credentials.createInsecure());
  const started = monotonicMs();
  const check = (client as unknown as Record<string, (...args: unknown[]) => void>)['check']!.bind(client);
  const code = await new Promise<number>((resolve) => {
    check({ service: '' }, { deadline: Date.now() + deadlineMs }, (error: ServiceError | null) =>
      resolve(error === null ? status.OK : error.code),
    );
  });
  client.close();
  return { code, tookMs: monotonicMs() - started };
}

it.each([
  ['says nothing', (): void => undefined],
  ['says hello and no more', (socket: Socket) => void socket.write(Buffer.concat([PREFACE, SETTINGS]))],
  ['speaks another language', (socket: Socket) => void socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
  [
    'stops inside a frame',
    (socket: Socket) => void socket.write(Buffer.concat([PREFACE, SETTINGS, PING.subarray(0, 9)])),
  ],
])('cuts a connection that %s', async (_what, talk) => {
  expect(await wasCut(talk)).toBe(true);
  expect((await ask()).code).toBe(status.OK);
});

it('ends a connection that answers for ever and never calls', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const closed = new Promise<true>((resolve) => session.once('close', () => resolve(true)));
  const patience = new AbortController();
  const late = sleep(CUT_WITHIN_MS, patience.signal).then(() => false);
  expect(await Promise.race([closed, late])).toBe(true);
  patience.abort();
  session.destroy();
});

it('serves others while a client floods it with pings, and is rid of it afterwards', async () => {
  const flood = Buffer.concat(Array.from({ length: PINGS_PER_FLOOD }, () => PING));
  const others: number[] = [];
  const cut = await wasCut(async (socket) => {
    socket.write(Buffer.concat([PREFACE, SETTINGS]));
    for (let round = 0; round < FLOODS && !socket.destroyed; round += 1) {
      await new Promise((resolve) => socket.write(flood, resolve));
      if (round % 50 === 0) others.push((await ask()).code);
    }
  });
  expect(others.length).toBeGreaterThan(0);
  expect(new Set(others)).toEqual(new Set([status.OK]));
  expect(cut).toBe(true);
});

it('ends a call at its deadline', async () => {
  const late = await ask(0);
  expect(late.code).toBe(status.DEADLINE_EXCEEDED);
  expect((await ask()).code).toBe(status.OK);
});
