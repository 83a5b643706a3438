// A TCP proxy that misbehaves on command. Stand it between a service and an engine to cut, delay, freeze and lose what
// travels between them, down to "the command was executed and the reply never came".
import { connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';
/** How long a server may go on answering into the void after its client was cut, before its side is closed too. */
const DRAIN_MS = 250;

/** Decides by the bytes of one chunk from the client; a text or bytes mean "contains". Small requests travel in one chunk. */
export type RequestMatch = string | Buffer | ((chunk: Buffer) => boolean);

/** A cut that waits for its moment. */
export interface PlannedCut {
  /**
   * `request`: just before the matching request would be forwarded, so the server never sees it.
   * `reply`: when the server's reply begins, so it was executed and the client never learns.
   */
  readonly at: 'request' | 'reply';
  readonly match: RequestMatch;
  /** Which of the matching requests, counted over all connections from now on; the first unless given. */
  readonly nth?: number;
}

/** What a plan does when its moment has come: cut the connection, or freeze it so that the other end can be killed. */
type Means = 'cut' | 'stall';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Set when the next bytes of the server must not arrive. */
  replyDoomed: { readonly means: Means; readonly done: () => void } | undefined;
  /** Nothing passes any more in either direction. */
  stalled: boolean;
}

interface Plan {
  readonly plan: PlannedCut;
  readonly means: Means;
  readonly done: () => void;
  seen: number;
}

export interface TcpProxyOptions {
  readonly targetPort: number;
  readonly targetHost?: string;
  /** Listens here; a free port unless given. */
  readonly port?: number;
}

/** Forwards connections to one server, until it is told to cut, delay, hold or stall them. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private readonly plans = new Set<Plan>();
  private server: Server | undefined;
  private listeningPort = 0;
  private held = false;
  private delayMs = 0;
  /** What is delayed, oldest first. */
  private readonly waiting: { readonly work: () => void; readonly dueAt: number }[] = [];
  private targetPort: number;

  private constructor(private readonly options: TcpProxyOptions) {
    this.targetPort = options.targetPort;
  }

  /** Starts a proxy on 127.0.0.1. */
  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    await proxy.listen(options.port ?? 0);
    return proxy;
  }

  get port(): number {
    return this.listeningPort;
  }

  /** Connections open now. */
  get connections(): number {
    return this.pairs.size;
  }

  /** The same URL (or `host:port`), by way of the proxy. */
  through(address: string): string {
    if (!address.includes('://')) return `${LOOPBACK}:${this.port}`;
    const url = new URL(address);
    url.hostname = LOOPBACK;
    url.port = String(this.port);
    return url.toString();
  }

  /** Resets every connection now. New ones are welcome. */
  cutAll(): void {
    for (const pair of this.pairs) this.cut(pair);
  }

  /** Sends new connections to another port and resets the present ones: the address has moved to another server. */
  retarget(port: number): void {
    this.targetPort = port;
    this.cutAll();
  }

  /** Refuses new connections, as a dead server does; existing ones go on. */
  async refuse(): Promise<void> {
    const server = this.server;
    if (server === undefined) return;
    this.server = undefined;
    // The listening socket closes at once; the callback would wait for the last connection.
    server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Listens again after {@link refuse}, on the same port. */
  async accept(): Promise<void> {
    if (this.server === undefined) await this.listen(this.port);
  }

  /** Forwards nothing in either direction and closes nothing: the network cable is out. New connections hang as well. */
  hold(): void {
    this.held = true;
    for (const { client, server } of this.pairs) {
      client.pause();
      server.pause();
    }
  }

  /** Ends {@link hold}; what was held back is delivered. */
  release(): void {
    this.held = false;
    for (const { client, server } of this.pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Delays every chunk in each direction by this long; 0 ends it, and delivers at once what is still on its way. */
  delay(ms: number): void {
    this.delayMs = ms;
    if (ms === 0) for (const { work } of this.waiting.splice(0)) work();
  }

  /** Plans one cut; resolves when it has happened. */
  cutAt(plan: PlannedCut): Promise<void> {
    return this.plan(plan, 'cut');
  }

  /**
   * As {@link cutAt}, but the connection freezes instead of breaking: the moment to kill the process behind it. With
   * `at: 'reply'` it resolves when the server has begun to answer, so the request has been executed.
   */
  stallAt(plan: PlannedCut): Promise<void> {
    return this.plan(plan, 'stall');
  }

  private plan(plan: PlannedCut, means: Means): Promise<void> {
    return new Promise((resolve) => {
      this.plans.add({ plan, means, seen: 0, done: resolve });
    });
  }

  /** Forgets all planned cuts, holds and delays, ends frozen connections, and accepts new ones. */
  async heal(): Promise<void> {
    this.plans.clear();
    for (const pair of this.pairs) if (pair.stalled) this.cut(pair);
    this.delay(0);
    this.release();
    await this.accept();
  }

  /** Cuts everything and stops listening. */
  async close(): Promise<void> {
    await this.refuse();
    this.cutAll();
  }

  private listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (client) => this.join(client));
      server.once('error', reject);
      server.listen({ port, host: LOOPBACK }, () => {
        const address = server.address();
        this.listeningPort = typeof address === 'object' && address !== null ? address.port : port;
        this.server = server;
        resolve();
      });
    });
  }

  private join(client: Socket): void {
    const { targetHost = LOOPBACK } = this.options;
    const server = connect({ port: this.targetPort, host: targetHost, allowHalfOpen: true });
    const pair: Pair = { client, server, replyDoomed: undefined, stalled: false };
    this.pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.cut(pair));
      socket.on('close', () => this.cut(pair));
    }
    client.on('data', (chunk: Buffer) => this.onRequest(pair, chunk));
    server.on('data', (chunk: Buffer) => this.onReply(pair, chunk));
    client.on('end', () => this.later(() => server.end()));
    server.on('end', () => this.later(() => client.end()));
    if (this.held) this.hold();
  }

  private onRequest(pair: Pair, chunk: Buffer): void {
    // What a frozen connection is sent is lost: its other end is about to be killed.
    if (pair.stalled) return;
    const due = this.duePlan(chunk);
    if (due?.plan.at === 'request') {
      if (due.means === 'stall') pair.stalled = true;
      else this.cut(pair);
      due.done();
      return;
    }
    if (due !== undefined) {
      pair.replyDoomed = due;
      // A connection that breaks by itself first has cut the reply as well.
      if (due.means === 'cut') pair.client.once('close', due.done);
    }
    this.forward(pair.client, pair.server, chunk);
  }

  private onReply(pair: Pair, chunk: Buffer): void {
    if (pair.stalled) return;
    const doomed = pair.replyDoomed;
    if (doomed === undefined) return this.forward(pair.server, pair.client, chunk);
    if (doomed.means === 'stall') {
      pair.stalled = true;
      doomed.done();
      return;
    }
    if (!this.pairs.delete(pair)) return;
    // Only the client's side goes at once. With requests in flight these bytes may belong to an earlier one, and a server
    // whose connection is reset may drop what it has not read yet; so it gets time to execute what it was sent.
    pair.client.resetAndDestroy();
    setTimeout(() => pair.server.destroy(), DRAIN_MS).unref();
  }

  private duePlan(chunk: Buffer): Plan | undefined {
    for (const entry of this.plans) {
      if (!matches(entry.plan.match, chunk)) continue;
      entry.seen += 1;
      if (entry.seen < (entry.plan.nth ?? 1)) continue;
      this.plans.delete(entry);
      return entry;
    }
    return undefined;
  }

  private forward(from: Socket, to: Socket, chunk: Buffer): void {
    this.later(() => {
      if (to.destroyed || to.writableEnded || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.held) from.resume();
      });
    });
  }

  /** At once, or after the delay; never before what came earlier, whose delay may have been longer: bytes keep their order. */
  private later(work: () => void): void {
    if (this.delayMs === 0 && this.waiting.length === 0) return work();
    const dueAt = Math.max(performance.now() + this.delayMs, this.waiting.at(-1)?.dueAt ?? 0);
    this.waiting.push({ work, dueAt });
    if (this.waiting.length === 1) this.waitForNext();
  }

  private waitForNext(): void {
    const [next] = this.waiting;
    if (next === undefined) return;
    setTimeout(
      () => {
        for (const now = performance.now(); (this.waiting[0]?.dueAt ?? Infinity) <= now + 1;)
          this.waiting.shift()!.work();
        this.waitForNext();
      },
      Math.max(0, next.dueAt - performance.now()),
    );
  }

  private cut(pair: Pair): void {
    if (!this.pairs.delete(pair)) return;
    for (const socket of [pair.client, pair.server]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

function matches(match: RequestMatch, chunk: Buffer): boolean {
  return typeof match === 'function' ? match(chunk) : chunk.includes(match);
}
