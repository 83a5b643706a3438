// A crowd that does not wait for its answers: so many requests a second, whether the system keeps up or not. Arrivals that
// find no free connection are turned away, as a load balancer with a bounded number of connections does.
import { LeanConnection, leanRequest } from './lean-client';
import type { OpenLoopOrder, OpenLoopResult } from './load';

const TICK_MS = 5;
/** Connections being opened at the same time: the backlog of a listening socket is bounded. */
const OPENING_MAX = 256;
/** How often callers who have waited for too long are looked for: cheaper than a timer for every request. */
const LOOK_EVERY_MS = 250;

/** One of the crowd, with a connection of its own. */
interface Caller {
  readonly connection: LeanConnection;
  /** When its request left, while it waits for an answer. */
  askedAt: number | undefined;
}

/** Sends by the clock for the given time, then waits for what is under way. */
export class OpenLoop {
  /** All whose connection is open. */
  private readonly callers = new Set<Caller>();
  private readonly idle: Caller[] = [];
  /** Requests that have no answer yet, those that wait for their connection included. */
  private underWay = 0;
  private opening = 0;
  private sent = 0;
  private readonly accepted: number[] = [];
  private readonly statuses: Record<string, number> = {};
  private turnedAway = 0;
  private withRetryAfter = 0;

  constructor(
    private readonly order: OpenLoopOrder,
    private readonly tokens: readonly string[],
    private readonly nextKey: () => string,
  ) {}

  async run(): Promise<OpenLoopResult> {
    const startedAt = performance.now();
    const patience = setInterval(() => this.giveUp(), LOOK_EVERY_MS);
    let due = 0;
    for (let elapsed = 0; elapsed < this.order.durationMs; elapsed = performance.now() - startedAt) {
      const goal = Math.ceil((elapsed / 1_000) * this.order.perSecond);
      // Not from now but from when it was due: a crowd does not wait for a busy machine to send.
      while (due < goal && this.arrive(startedAt + (due * 1_000) / this.order.perSecond)) due += 1;
      // Nothing becomes free before the next tick.
      this.turnedAway += goal - due;
      due = goal;
      await tick();
    }
    const elapsedMs = performance.now() - startedAt;
    while (this.underWay > 0) await tick();
    clearInterval(patience);
    for (const { connection } of this.idle) connection.close();
    const latencies = this.accepted.sort((a, b) => a - b);
    return {
      offeredPerSecond: (due * 1_000) / elapsedMs,
      acceptedPerSecond: (latencies.length * 1_000) / elapsedMs,
      p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
      p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
      statuses: this.statuses,
      turnedAway: this.turnedAway,
      withRetryAfter: this.withRetryAfter,
    };
  }

  /** Sends one request; false when there is no connection for it. */
  private arrive(dueAt: number): boolean {
    const caller = this.idle.pop();
    if (caller !== undefined) void this.ask(caller, dueAt);
    else if (this.callers.size + this.opening < this.order.connectionsMax && this.opening < OPENING_MAX)
      void this.open(dueAt);
    else return false;
    return true;
  }

  private async open(dueAt: number): Promise<void> {
    const { host, port } = this.order.server;
    this.opening += 1;
    this.underWay += 1;
    const connection = await LeanConnection.open(host, port).catch(() => undefined);
    this.opening -= 1;
    this.underWay -= 1;
    if (connection === undefined) return this.lost('not connected');
    const caller = { connection, askedAt: undefined };
    this.callers.add(caller);
    await this.ask(caller, dueAt);
  }

  private async ask(caller: Caller, dueAt: number): Promise<void> {
    this.sent += 1;
    this.underWay += 1;
    const token = this.tokens[this.sent % this.tokens.length]!;
    const target = this.order.targets[this.sent % this.order.targets.length]!;
    caller.askedAt = performance.now();
    try {
      const { status, retryAfter } = await caller.connection.send(
        leanRequest(target.path, token, target.body, this.nextKey()),
      );
      this.statuses[status] = (this.statuses[status] ?? 0) + 1;
      if (status === 201) this.accepted.push(performance.now() - dueAt);
      else if (retryAfter) this.withRetryAfter += 1;
      caller.askedAt = undefined;
      this.idle.push(caller);
    } catch {
      this.callers.delete(caller);
      this.lost('no answer');
    } finally {
      this.underWay -= 1;
    }
  }

  private giveUp(): void {
    const since = performance.now() - this.order.timeoutMs;
    for (const { connection, askedAt } of this.callers)
      if (askedAt !== undefined && askedAt < since) connection.abort();
  }

  private lost(how: string): void {
    this.statuses[how] = (this.statuses[how] ?? 0) + 1;
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
