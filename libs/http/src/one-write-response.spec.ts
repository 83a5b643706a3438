// Goal: on the socket, this response does not differ from Node's. Method: the same answers from both, compared
// byte for byte; and the number of writes per answer.
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { OneWriteResponse } from './one-write-response';

async function answer(handler: RequestListener, own: boolean, method = 'GET'): Promise<string> {
  const server = createServer(own ? { ServerResponse: OneWriteResponse } : {}, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  // Two requests on one connection: framing that is wrong for the first shows in the second.
  socket.write(`${method} / HTTP/1.1\r\nhost: h\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  await new Promise((resolve) => server.close(resolve));
  return Buffer.concat(chunks).toString('latin1');
}

function respond(status: number, headers: Record<string, string | number>, body?: string): RequestListener {
  return (_request, response: ServerResponse) => {
    response.sendDate = false;
    response.writeHead(status, headers);
    // As Fastify calls it.
    (response.end as (...args: unknown[]) => void)(body ?? null, null, null);
  };
}

const long = 'x'.repeat(10_000);
const cases: [string, RequestListener, string?][] = [
  ['a small text', respond(200, { 'content-length': 5 }, 'hello')],
  ['a text beyond ASCII', respond(200, { 'content-length': 9 }, '手机é!')],
  ['a long text', respond(200, { 'content-length': long.length }, long)],
  ['no body', respond(204, {})],
  ['an empty body', respond(200, { 'content-length': 0 }, '')],
  ['a text of unknown length', respond(200, {}, 'chunked')],
  ['a HEAD request', respond(200, { 'content-length': 5 }, 'hello'), 'HEAD'],
  ['a status without a body', respond(304, {}, 'ignored')],
  [
    'a head that Node makes itself',
    (_request, response) => {
      response.sendDate = false;
      response.end('implicit');
    },
  ],
  [
    'a stream of pieces',
    (_request, response) => {
      response.sendDate = false;
      response.writeHead(200, { 'content-length': 6 });
      response.write('abc');
      response.end('def');
    },
  ],
];

it.each(cases.map(([name, handler, method]) => ({ name, handler, method })))(
  'answers with $name as Node does',
  async (row) => {
    const { handler, method } = row;
    expect(await answer(handler, true, method)).toBe(await answer(handler, false, method));
  },
);

it('sends a small answer in one write', async () => {
  const pieces: number[] = [];
  const counted: RequestListener = (request, response: ServerResponse) => {
    // Both requests come on one connection.
    if (pieces.length === 0) count(request.socket, pieces);
    void respond(200, { 'content-length': 5 }, 'hello')(request, response);
  };
  await answer(counted, true);
  expect(pieces).toEqual([1, 1]);
});

function count(socket: Socket, pieces: number[]): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev!.bind(socket);
  socket._write = (...args) => {
    pieces.push(1);
    write(...args);
  };
  socket._writev = (chunks, done) => {
    pieces.push(chunks.length);
    writev(chunks, done);
  };
}
