// Goal: a claim survives a connection to Redis that drops; it is admitted once, by the same gate. Method: a proxy
// before the real Redis that cuts on command.
import { Socket } from 'node:net';
import { newUuid, sleep } from '@gravity/kernel';
import { engines, eventually, TcpProxy } from '@gravity/testing';
import { GateConnection, GateUnavailable, StaleRedisInstance } from './gate-connection';
import { gateKeys } from './gate-scripts';
import { RedisGate } from './redis-gate';

const QUOTA = 5;
let proxy: TcpProxy;
let connection: GateConnection;
let gate: RedisGate;
let runId: string;
let seriesId: string;
let itemId: string;

beforeEach(async () => {
  const url = new URL(engines().redisUrl);
  proxy = await TcpProxy.start({ targetPort: Number(url.port) });
  connection = new GateConnection({ url: proxy.through(engines().redisUrl) });
  connection.start();
  await eventually(() => expect(connection.runId).toBeDefined());
  runId = connection.runId!;
  gate = new RedisGate(connection);
  [seriesId, itemId] = [newUuid(), newUuid()];
  const keys = gateKeys(seriesId, itemId);
  const window = { opensAt: Date.now() - 1_000, closesAt: Date.now() + 600_000 };
  const item = { state: 'open', ...window, available: QUOTA, cooling: 0, coolUntil: 0, claimed: 0, perBuyer: 1 };
  const fields = Object.entries({ ...item, winLimit: 0, admissions: 0 }).flat();
  await connection.run('gateLoadBegin', keys, 1);
  await connection.run('gateLoadChunk', keys, 1, 'item', 600_000, ...fields);
  await connection.run('gateLoadChunk', keys, 1, 'open', 600_000);
});

afterEach(async () => {
  await connection.stop();
  await proxy.close();
});

const claim = (): ReturnType<RedisGate['claim']> =>
  gate.claim(seriesId, itemId, { epoch: 1n, runId }, { claimId: newUuid(), buyerId: 'b_1', quantity: 1 });

it.each([
  { name: 'before the script runs', at: 'request' as const },
  { name: 'before its answer arrives', at: 'reply' as const },
])('admits a claim once although the connection drops $name', async ({ at }) => {
  const cut = proxy.cutAt({ at, match: itemId });
  expect(await claim()).toEqual({ kind: at === 'reply' ? 'known' : 'admitted', admissionNumber: 1 });
  await cut;
  expect((await gate.view(seriesId, itemId))!.claimed).toBe(1);
});

it('waits for the new connection when the old one is gone already', async () => {
  proxy.cutAll();
  await eventually(() => expect(connection.runId).toBeUndefined());
  expect((await claim()).kind).toBe('admitted');
});

it('asks no server but the one that holds the gate in force', async () => {
  const before = connection.commandCount;
  runId = 'of a server that is gone';
  await expect(claim()).rejects.toThrow(StaleRedisInstance);
  await expect(gate.soldOut(seriesId, itemId, { epoch: 1n, runId }, QUOTA)).rejects.toThrow(StaleRedisInstance);
  expect(connection.commandCount).toBe(before);
});

it('sends the calls for many items in one write', async () => {
  const writes = [jest.spyOn(Socket.prototype, '_write'), jest.spyOn(Socket.prototype, '_writev' as '_write')];
  try {
    const asked = Array.from({ length: 100 }, () => gate.view(seriesId, newUuid()));
    const answers = await Promise.all(asked);
    expect(answers).toEqual(asked.map(() => undefined));
    const { port } = new URL(proxy.through(engines().redisUrl));
    const ours = writes.flatMap(({ mock }) => mock.contexts).filter(({ remotePort }) => remotePort === Number(port));
    expect(ours).toHaveLength(1);
  } finally {
    for (const spy of writes) spy.mockRestore();
  }
});

it('gives up soon on a Redis that stays away', async () => {
  await proxy.close();
  await eventually(() => expect(connection.runId).toBeUndefined());
  await expect(claim()).rejects.toThrow(GateUnavailable);
});

it('verifies a connection whose first answer was late, and stays open', async () => {
  const url = proxy.through(engines().redisUrl);
  const slow = new GateConnection({ url, commandTimeoutMs: 200 });
  // Its question for the run id gets through; nothing comes back for longer than it waits.
  void proxy.cutAt({
    at: 'request',
    match: (chunk) => {
      if (chunk.includes('server')) proxy.hold();
      return false;
    },
  });
  try {
    slow.start();
    await sleep(600);
    expect(slow.runId).toBeUndefined();
    await proxy.heal();
    await eventually(() => expect(slow.runId).toBeDefined(), { withinMs: 3_000 });
  } finally {
    await slow.stop();
  }
});

it('logs once why Redis refuses it, without the password', async () => {
  const told: (string | undefined)[] = [];
  const url = new URL(engines().redisUrl);
  [url.username, url.password] = ['other', 'canary77'];
  const refusedConnection = new GateConnection({ url: url.toString(), onTrouble: (reason) => told.push(reason) });
  try {
    refusedConnection.start();
    // It keeps trying, and keeps being refused.
    await sleep(700);
    expect(refusedConnection.runId).toBeUndefined();
    expect(told.filter((reason) => reason?.startsWith('WRONGPASS'))).toHaveLength(1);
    expect(told.join()).not.toContain('canary77');
  } finally {
    await refusedConnection.stop();
  }
});

it('tells that Redis is back', async () => {
  const told: (string | undefined)[] = [];
  const url = proxy.through(engines().redisUrl);
  await proxy.refuse();
  const patient = new GateConnection({ url, onTrouble: (reason) => told.push(reason) });
  try {
    patient.start();
    await eventually(() => expect(told).toHaveLength(1));
    await proxy.heal();
    await eventually(() => expect(patient.runId).toBeDefined());
    expect(told).toEqual([expect.stringContaining('ECONN'), undefined]);
  } finally {
    await patient.stop();
  }
});
