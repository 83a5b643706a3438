// Sends requests at a fixed rate, whether the system keeps up or not. A request is dropped when no connection is free, as
// by a load balancer with a bounded number of connections.
import { sleep } from '@gravity/kernel';
import { percentilesOf } from '../lib/percentiles';
import { HttpConnection, postRequest } from './http-connection';
import type { OpenLoopOrder, OpenLoopResult } from './load';

const TICK_MS = 5;
/** Connections that are opened at the same time: the backlog of a listening socket is bounded. */
const OPENING_MAX = 256;
/** Interval of the check for timeouts: cheaper than a timer for every request. */
const TIMEOUT_CHECK_MS = 250;

/** A client with its own connection. */
interface Client {
  readonly connection: HttpConnection;
  /** When its request was sent, while it waits for the answer. */
  sentAt: number | undefined;
}

/** Sends at the given rate for the given duration, then waits for the requests in progress. */
export class OpenLoop {
  /** Clients with an open connection. */
  private readonly clients = new Set<Client>();
  private readonly idle: Client[] = [];
  /** Requests without an answer, including requests that wait for a connection. */
  private pending = 0;
  private opening = 0;
  private sent = 0;
  private readonly accepted: number[] = [];
  private readonly statuses: Record<string, number> = {};
  private dropped = 0;
  private withRetryAfter = 0;

  constructor(
    private readonly order: OpenLoopOrder,
    private readonly tokens: readonly string[],
    private readonly nextKey: () => string,
  ) {}

  async run(): Promise<OpenLoopResult> {
    const startedAt = performance.now();
    const timeouts = setInterval(() => this.abortOverdue(), TIMEOUT_CHECK_MS);
    let due = 0;
    for (let elapsed = 0; elapsed < this.order.durationMs; elapsed = performance.now() - startedAt) {
      const goal = Math.ceil((elapsed / 1_000) * this.order.perSecond);
      // Latency counts from the time at which the request was due, not from when this busy machine sent it.
      while (due < goal && this.start(startedAt + (due * 1_000) / this.order.perSecond)) due += 1;
      // No connection becomes free before the next tick.
      this.dropped += goal - due;
      due = goal;
      await sleep(TICK_MS);
    }
    const elapsedMs = performance.now() - startedAt;
    while (this.pending > 0) await sleep(TICK_MS);
    clearInterval(timeouts);
    for (const { connection } of this.idle) connection.close();
    return {
      offeredPerSecond: (due * 1_000) / elapsedMs,
      acceptedPerSecond: (this.accepted.length * 1_000) / elapsedMs,
      ...percentilesOf(this.accepted),
      statuses: this.statuses,
      dropped: this.dropped,
      withRetryAfter: this.withRetryAfter,
    };
  }

  /** Starts one request; false when no connection is free. */
  private start(dueAt: number): boolean {
    const client = this.idle.pop();
    if (client !== undefined) void this.send(client, dueAt);
    else if (this.clients.size + this.opening < this.order.connectionsMax && this.opening < OPENING_MAX)
      void this.open(dueAt);
    else return false;
    return true;
  }

  private async open(dueAt: number): Promise<void> {
    const { host, port } = this.order.server;
    this.opening += 1;
    this.pending += 1;
    const connection = await HttpConnection.open(host, port).catch(() => undefined);
    this.opening -= 1;
    this.pending -= 1;
    if (connection === undefined) return this.count('not connected');
    const client = { connection, sentAt: undefined };
    this.clients.add(client);
    await this.send(client, dueAt);
  }

  private async send(client: Client, dueAt: number): Promise<void> {
    this.sent += 1;
    this.pending += 1;
    const token = this.tokens[this.sent % this.tokens.length]!;
    const target = this.order.targets[this.sent % this.order.targets.length]!;
    client.sentAt = performance.now();
    try {
      const { status, retryAfter } = await client.connection.send(
        postRequest(target.path, token, target.body, this.nextKey()),
      );
      this.count(status);
      if (status === 201) this.accepted.push(performance.now() - dueAt);
      else if (retryAfter) this.withRetryAfter += 1;
      client.sentAt = undefined;
      this.idle.push(client);
    } catch {
      this.clients.delete(client);
      this.count('no answer');
    } finally {
      this.pending -= 1;
    }
  }

  private abortOverdue(): void {
    const since = performance.now() - this.order.timeoutMs;
    for (const { connection, sentAt } of this.clients) if (sentAt !== undefined && sentAt < since) connection.abort();
  }

  private count(status: string | number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
  }
}
