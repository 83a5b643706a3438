// Goal: a crowd that comes at once is taken several at a time, and a stop forgets none of them. Method: clients of this
// very process connect while its event loop stands still, so that all of them wait in the kernel's queue.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { monotonicMs } from '@gravity/kernel';
import { createLogger } from '@gravity/observability';
import { eventually } from '@gravity/testing';
import { Acceptors } from './acceptors';
import { drainHttp } from './shutdown';

const MORE = 7;
const CROWD = 40;

const lines: string[] = [];
const logger = createLogger({ service: 'things', destination: { write: (line) => void lines.push(line) } });
const waiting: ServerResponse[] = [];
let server: Server;

beforeEach(async () => {
  lines.length = 0;
  waiting.length = 0;
  server = createServer((_request, response) => void waiting.push(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Clients whose connections wait in the kernel's queue. */
function crowd(): Socket[] {
  const { port } = server.address() as AddressInfo;
  return Array.from({ length: CROWD }, () => connect(port, '127.0.0.1'));
}

/** How many connections each turn of the event loop takes, until the crowd is in. */
async function takenPerTurn(): Promise<number[]> {
  const turns: number[] = [];
  let taken = 0;
  const count = (): void => void (taken += 1);
  server.on('connection', count);
  const clients = crowd();
  for (let all = 0; all < CROWD; all += taken) {
    taken = 0;
    await new Promise((resolve) => setImmediate(resolve));
    if (taken > 0) turns.push(taken);
  }
  server.off('connection', count);
  for (const client of clients) client.destroy();
  return turns;
}

it('takes several connections per turn of the event loop', async () => {
  expect(Math.max(...(await takenPerTurn()))).toBe(1);
  const acceptors = new Acceptors(server, logger);
  await acceptors.add(MORE);
  expect(Math.max(...(await takenPerTurn()))).toBe(1 + MORE);
  await acceptors.close();
});

it('answers everybody who was taken before it has stopped', async () => {
  const acceptors = new Acceptors(server, logger);
  await acceptors.add(MORE);
  const clients = crowd();
  const answers = clients.map(async (client) => {
    client.write('GET / HTTP/1.1\r\nhost: things\r\nconnection: close\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString('latin1', 9, 12);
  });
  await eventually(() => expect(waiting).toHaveLength(CROWD));
  const { port } = server.address() as AddressInfo;
  let stopped = false;
  const stop = drainHttp(server, acceptors, monotonicMs() + 10_000).then(() => (stopped = true));
  // Nobody else is taken any more, whichever handle he would come to.
  await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  expect(stopped).toBe(false);
  for (const response of waiting) response.end();
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['200']));
  await stop;
});

it('gives the port back with the server, also while the helper is on its way', async () => {
  const acceptors = new Acceptors(server, logger);
  const adding = acceptors.add(MORE);
  const { port } = server.address() as AddressInfo;
  server.close();
  await adding;
  const next = createServer().listen(port, '127.0.0.1');
  await once(next, 'listening');
  next.close();
  expect(lines).toEqual([]);
});

it('goes on with its own handle when no helper starts', async () => {
  await new Acceptors(server, logger, '/nowhere/node').add(MORE);
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn']);
  expect(Math.max(...(await takenPerTurn()))).toBe(1);
});
