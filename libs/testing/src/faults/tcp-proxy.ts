// A TCP proxy that injects faults between a service and an engine: it cuts, delays, freezes and loses traffic, also
// between the execution of a command and its reply.
import { connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';
/** Time between the cut of a client and the close of the server's side. */
const DRAIN_MS = 250;

/** Matches one chunk of the client; a text or bytes match by content. Small requests are one chunk. */
export type RequestMatch = string | Buffer | ((chunk: Buffer) => boolean);

/** A planned cut. */
export interface PlannedCut {
  /**
   * `request`: before the matching request is forwarded, so the server does not receive it.
   * `reply`: when the server's reply begins, so the request was executed and the client gets no reply.
   */
  readonly at: 'request' | 'reply';
  readonly match: RequestMatch;
  /** The number of the matching request, counted over all connections from the call on. Default: the first. */
  readonly nth?: number;
}

/** The action of a plan: cut the connection, or freeze it so that the other end can be killed. */
type Means = 'cut' | 'stall';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Set when the next bytes of the server are not delivered. */
  replyDoomed: { readonly means: Means; readonly done: () => void } | undefined;
  /** No bytes are forwarded in either direction. */
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
  /** The port of the proxy. Default: a free one. */
  readonly port?: number;
}

/** Forwards connections to one server, and cuts, delays, holds or stalls them on request. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private readonly plans = new Set<Plan>();
  private server: Server | undefined;
  private listeningPort = 0;
  private held = false;
  private delayMs = 0;
  /** Delayed chunks, oldest first. */
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

  /** Open connections. */
  get connections(): number {
    return this.pairs.size;
  }

  /** The same URL (or `host:port`), through the proxy. */
  through(address: string): string {
    if (!address.includes('://')) return `${LOOPBACK}:${this.port}`;
    const url = new URL(address);
    url.hostname = LOOPBACK;
    url.port = String(this.port);
    return url.toString();
  }

  /** Resets every connection. New ones are accepted. */
  cutAll(): void {
    for (const pair of this.pairs) this.cut(pair);
  }

  /** Sends new connections to another port and resets the open ones, as if the address had moved to another server. */
  retarget(port: number): void {
    this.targetPort = port;
    this.cutAll();
  }

  /** Refuses new connections, as a stopped server does. Open ones go on. */
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

  /** Forwards nothing in either direction and closes nothing. New connections hang as well. */
  hold(): void {
    this.held = true;
    for (const { client, server } of this.pairs) {
      client.pause();
      server.pause();
    }
  }

  /** Ends {@link hold} and delivers the held bytes. */
  release(): void {
    this.held = false;
    for (const { client, server } of this.pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Delays every chunk in each direction by this long. 0 ends the delay and delivers the delayed chunks. */
  delay(ms: number): void {
    this.delayMs = ms;
    if (ms === 0) for (const { work } of this.waiting.splice(0)) work();
  }

  /** Plans one cut; resolves after it. */
  cutAt(plan: PlannedCut): Promise<void> {
    return this.plan(plan, 'cut');
  }

  /**
   * As {@link cutAt}, but the connection freezes, so that the process behind it can be killed. With `at: 'reply'` it
   * resolves when the server has begun to answer, so the request was executed.
   */
  stallAt(plan: PlannedCut): Promise<void> {
    return this.plan(plan, 'stall');
  }

  private plan(plan: PlannedCut, means: Means): Promise<void> {
    return new Promise((resolve) => {
      this.plans.add({ plan, means, seen: 0, done: resolve });
    });
  }

  /** Removes all planned cuts, holds and delays, ends frozen connections, and accepts new ones. */
  async heal(): Promise<void> {
    this.plans.clear();
    for (const pair of this.pairs) if (pair.stalled) this.cut(pair);
    this.delay(0);
    this.release();
    await this.accept();
  }

  /** Cuts all connections and stops listening. */
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
    // Bytes for a frozen connection are dropped: its other end will be killed.
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
      // A connection that breaks for another reason has lost the reply as well.
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
    // Only the client's side is reset at once. With several requests in flight, these bytes may belong to an earlier
    // one, and a server drops unread requests of a connection that is reset. The delay gives it time to execute them.
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

  /** Delivers at once, or after the delay; never before an earlier chunk, whose delay may be longer. */
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
