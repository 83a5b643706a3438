import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../eventually';
import { TcpProxy } from './tcp-proxy';

/** Answers each chunk in capitals, and records the requests. */
class Shouter {
  readonly heard: string[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        this.heard.push(chunk.toString());
        socket.write(chunk.toString().toUpperCase());
      });
    });
  }

  static async start(): Promise<Shouter> {
    const shouter = new Shouter(createServer());
    await once(shouter.server.listen(0, '127.0.0.1'), 'listening');
    return shouter;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    this.sockets.forEach((socket) => socket.destroy());
  }
}

class Client {
  received = '';
  readonly closed: Promise<unknown>;
  error: NodeJS.ErrnoException | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => (this.received += chunk.toString()));
    socket.on('error', (error) => (this.error = error));
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  async ask(text: string): Promise<void> {
    this.socket.write(text);
    await eventually(() => expect(this.received).toContain(text.toUpperCase()), { withinMs: 2_000 });
  }

  say(text: string): void {
    this.socket.write(text);
  }

  end(): void {
    this.socket.end();
  }
}

describe('TcpProxy', () => {
  let shouter: Shouter;
  let proxy: TcpProxy;

  beforeEach(async () => {
    shouter = await Shouter.start();
    proxy = await TcpProxy.start({ targetPort: shouter.port });
  });

  afterEach(async () => {
    await proxy.close();
    shouter.close();
  });

  it('forwards, and names its own address', async () => {
    const client = await Client.open(proxy.port);
    await client.ask('hello');
    expect(proxy.through(`redis://u:p@localhost:${shouter.port}/3`)).toBe(`redis://u:p@127.0.0.1:${proxy.port}/3`);
    expect(proxy.through('localhost:9092')).toBe(`127.0.0.1:${proxy.port}`);
    expect(proxy.connections).toBe(1);
    client.end();
  });

  it('cuts all connections, then serves new ones', async () => {
    const client = await Client.open(proxy.port);
    await client.ask('one');
    proxy.cutAll();
    await client.closed;
    expect(client.error?.code).toBe('ECONNRESET');
    expect(proxy.connections).toBe(0);
    await (await Client.open(proxy.port)).ask('two');
  });

  it('refuses new connections while old ones go on, and accepts again on the same port', async () => {
    const port = proxy.port;
    const client = await Client.open(port);
    await client.ask('before');
    await proxy.refuse();
    await expect(Client.open(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await client.ask('during');
    await proxy.accept();
    await (await Client.open(port)).ask('after');
  });

  it('holds without closing, for new connections too, and delivers when released', async () => {
    const client = await Client.open(proxy.port);
    await client.ask('before');
    proxy.hold();
    client.say('held');
    const late = await Client.open(proxy.port);
    late.say('late');
    await sleep(50);
    expect(shouter.heard).toEqual(['before']);
    expect(client.received).toBe('BEFORE');
    proxy.release();
    await eventually(() => expect(client.received).toBe('BEFOREHELD'));
    await eventually(() => expect(late.received).toBe('LATE'));
  });

  it('delays, keeping the order', async () => {
    proxy.delay(40);
    const client = await Client.open(proxy.port);
    const started = performance.now();
    client.say('a');
    await sleep(2);
    client.say('b');
    await eventually(() => expect(client.received).toBe('AB'));
    expect(performance.now() - started).toBeGreaterThanOrEqual(75);
  });

  it('keeps the order when the delay ends or becomes shorter', async () => {
    proxy.delay(60);
    const client = await Client.open(proxy.port);
    client.say('a');
    await sleep(5);
    proxy.delay(10);
    client.say('b');
    await sleep(5);
    proxy.delay(0);
    client.say('c');
    await eventually(() => expect(client.received).toBe('ABC'));
  });

  it('cuts after execution: the server has the n-th matching request and the client no reply', async () => {
    const cut = proxy.cutAt({ at: 'reply', match: 'buy', nth: 2 });
    const client = await Client.open(proxy.port);
    await client.ask('buy 1');
    await client.ask('look');
    client.say('buy 2');
    await cut;
    await client.closed;
    expect(shouter.heard).toEqual(['buy 1', 'look', 'buy 2']);
    expect(client.received).toBe('BUY 1LOOK');
    await (await Client.open(proxy.port)).ask('buy 3');
  });

  it('cuts before execution: the server never sees the request', async () => {
    const cut = proxy.cutAt({ at: 'request', match: (chunk) => chunk.includes('buy') });
    const client = await Client.open(proxy.port);
    await client.ask('look');
    client.say('buy');
    await cut;
    await client.closed;
    expect(shouter.heard).toEqual(['look']);
  });

  it('passes on a target that refuses', async () => {
    shouter.close();
    const client = await Client.open(proxy.port);
    await client.closed;
    expect(proxy.connections).toBe(0);
  });

  it('heals', async () => {
    void proxy.cutAt({ at: 'request', match: 'x' });
    proxy.delay(10_000);
    proxy.hold();
    await proxy.refuse();
    await proxy.heal();
    await (await Client.open(proxy.port)).ask('x');
  });
});
