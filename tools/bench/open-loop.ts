// A crowd that does not wait for its answers: so many requests a second, whether the system keeps up or not. Arrivals that
// find no free connection are turned away, as a load balancer with a bounded number of connections does.
import { LeanConnection, leanRequest } from './lean-client';
import type { OpenLoopOrder, OpenLoopResult } from './load';

const TICK_MS = 5;
/** Connections being opened at the same time: the backlog of a listening socket is bounded. */
const OPENING_MAX = 256;

/** Sends by the clock for the given time, then waits for what is under way. */
export class OpenLoop {
  private readonly idle: LeanConnection[] = [];
  private connections = 0;
  private opening = 0;
  private sent = 0;
  private readonly accepted: number[] = [];
  private readonly statuses: Record<string, number> = {};
  private turnedAway = 0;
  private withRetryAfter = 0;
  private readonly pending = new Set<Promise<void>>();

  constructor(
    private readonly order: OpenLoopOrder,
    private readonly tokens: readonly string[],
    private readonly nextKey: () => string,
  ) {}

  async run(): Promise<OpenLoopResult> {
    const startedAt = performance.now();
    let due = 0;
    for (let elapsed = 0; elapsed < this.order.durationMs; elapsed = performance.now() - startedAt) {
      const goal = Math.ceil((elapsed / 1_000) * this.order.perSecond);
      // Not from now but from when it was due: a crowd does not wait for a busy machine to send.
      while (due < goal && this.arrive(startedAt + (due * 1_000) / this.order.perSecond)) due += 1;
      // Nothing becomes free before the next tick.
      this.turnedAway += goal - due;
      due = goal;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    const elapsedMs = performance.now() - startedAt;
    await Promise.all(this.pending);
    for (const connection of this.idle) connection.close();
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
    const connection = this.idle.pop();
    if (connection !== undefined) this.track(this.ask(connection, dueAt));
    else if (this.connections < this.order.connectionsMax && this.opening < OPENING_MAX) this.track(this.open(dueAt));
    else return false;
    return true;
  }

  private track(work: Promise<void>): void {
    this.pending.add(work);
    void work.finally(() => this.pending.delete(work));
  }

  private async open(dueAt: number): Promise<void> {
    const { host, port } = this.order.server;
    this.connections += 1;
    this.opening += 1;
    const connection = await LeanConnection.open(host, port).catch(() => undefined);
    this.opening -= 1;
    if (connection === undefined) return this.lost('not connected');
    await this.ask(connection, dueAt);
  }

  private async ask(connection: LeanConnection, dueAt: number): Promise<void> {
    this.sent += 1;
    const token = this.tokens[this.sent % this.tokens.length]!;
    const target = this.order.targets[this.sent % this.order.targets.length]!;
    const timer = setTimeout(() => connection.abort(), this.order.timeoutMs);
    try {
      const { status, retryAfter } = await connection.send(
        leanRequest(target.path, token, target.body, this.nextKey()),
      );
      this.statuses[status] = (this.statuses[status] ?? 0) + 1;
      if (status === 201) this.accepted.push(performance.now() - dueAt);
      else if (retryAfter) this.withRetryAfter += 1;
      this.idle.push(connection);
    } catch {
      this.lost('no answer');
    } finally {
      clearTimeout(timer);
    }
  }

  private lost(how: string): void {
    this.connections -= 1;
    this.statuses[how] = (this.statuses[how] ?? 0) + 1;
  }
}
