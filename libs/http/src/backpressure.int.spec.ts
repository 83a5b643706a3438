// Goal: while there is no room, a connection that was answered is read no further; nobody waits for ever, nobody who comes
// anew waits at all, and a process that stops answers whatever has come. Method: Node's own server over bare connections.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { sleep } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { Backpressure } from './backpressure';

/** Long enough for a request that is read to be answered. */
const A_WHILE_MS = 100;
const FOR_EVER_MS = 600_000;

let server: Server;
let room: number;
let stopping: AbortController;
let longestMs: number;
let backpressure: Backpressure;
let clients: Client[];
let answered: string[];

beforeEach(async () => {
  room = 0;
  longestMs = FOR_EVER_MS;
  stopping = new AbortController();
  clients = [];
  answered = [];
  server = createServer((request, response) => {
    answered.push(request.url!);
    request.resume().once('end', () => {
      response.end();
      backpressure.hold(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  backpressure = new Backpressure({
    room: () => room,
    get longestMs() {
      return longestMs;
    },
    stopping: stopping.signal,
  });
});

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  stopping.abort();
  await eventually(() => expect(backpressure.held).toBe(0));
});

class Client {
  readonly socket: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);

  ask(path: string, headers = ''): void {
    this.socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n${headers}\r\nx`);
  }
}

function newClient(): Client {
  const client = new Client();
  clients.push(client);
  return client;
}

/** Clients that were answered once, one after the other, and have asked again. */
async function askTwice(...names: string[]): Promise<void> {
  for (const name of names) {
    const client = newClient();
    client.ask(`/${name}1`);
    await eventually(() => expect(answered).toContain(`/${name}1`));
    await sleep(A_WHILE_MS);
    client.ask(`/${name}2`);
  }
  await sleep(A_WHILE_MS);
}

it('reads who was answered only as there is room, in the order of their answers, and others at once', async () => {
  await askTwice('a', 'b');
  expect(answered).toEqual(['/a1', '/b1']);
  expect(backpressure.held).toBe(2);
  room = 1;
  await eventually(() => expect(answered).toEqual(expect.arrayContaining(['/a2', '/b2'])));
  expect(answered).toEqual(['/a1', '/b1', '/a2', '/b2']);
});

it('holds nobody while there is room', async () => {
  room = 1;
  await askTwice('a', 'b');
  expect(answered).toEqual(['/a1', '/a2', '/b1', '/b2']);
  expect(backpressure.held).toBe(0);
});

it('reads a connection after the longest time, room or not', async () => {
  await askTwice('a');
  expect(answered).toEqual(['/a1']);
  longestMs = 0;
  await eventually(() => expect(answered).toEqual(['/a1', '/a2']));
});

it('reads all of them when the process stops, and holds nobody any more', async () => {
  await askTwice('a', 'b');
  stopping.abort();
  await eventually(() => expect(answered).toHaveLength(4));
  await askTwice('c');
  expect(answered).toContain('/c2');
});

it('does not mind connections that end, by themselves or by their last answer', async () => {
  await askTwice('a');
  clients[0]!.socket.destroy();
  newClient().ask('/last', 'Connection: close\r\n');
  await eventually(() => expect(answered).toContain('/last'));
  await sleep(A_WHILE_MS);
  expect(backpressure.held).toBe(1);
  room = 1;
  await eventually(() => expect(backpressure.held).toBe(0));
});
