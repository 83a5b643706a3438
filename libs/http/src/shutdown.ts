// The order in which a process stops: not ready → wait for the balancers → no new connections, finish what was accepted
// → consumers and background work → the application itself. Every step is bounded by one common deadline.
import type { Server as HttpServer } from 'node:http';
import { Server as NetServer } from 'node:net';
import { Injectable } from '@nestjs/common';
import { monotonicMs, sleep } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';

const POLL_MS = 20;
// Long enough for a request that is already on its way over an idle connection to arrive and be answered.
const IDLE_GRACE_MS = 250;

export interface DrainHook {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Where modules say what has to be finished before the process ends. */
@Injectable()
export class ShutdownHooks {
  private readonly hooks: DrainHook[] = [];
  private readonly stop = new AbortController();

  /** Aborted when the process stops taking requests: ends server-sent events and other answers without an end. */
  get stopping(): AbortSignal {
    return this.stop.signal;
  }

  /** Runs after the last accepted request was answered, in the order of registration. */
  onDrain(name: string, run: () => Promise<void>): void {
    this.hooks.push({ name, run });
  }

  /** @internal */
  announce(): void {
    this.stop.abort();
  }

  /** @internal */
  get registered(): readonly DrainHook[] {
    return this.hooks;
  }
}

/** Runs the work, but not past the deadline (monotonic milliseconds). A failure is logged and does not stop the rest. */
export async function bounded(name: string, deadlineMs: number, logger: AppLogger, work: () => Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(Math.max(0, deadlineMs - monotonicMs()), over.signal).then(() => 'late' as const);
  try {
    const outcome = await Promise.race([work().then(() => 'done' as const), late]);
    if (outcome === 'late') logger.warn('shutdown step did not finish in time', { step: name });
    return outcome === 'done';
  } catch (error) {
    logger.error('shutdown step failed', { step: name, error });
    return false;
  } finally {
    over.abort();
  }
}

/**
 * Stops accepting connections and waits until every accepted request is answered. The server must answer with
 * `Connection: close` by now. Connections still open at the deadline are cut.
 */
export async function drainHttp(server: HttpServer, deadlineMs: number): Promise<void> {
  if (!server.listening) return;
  let closed = false;
  // http.Server.close() would cut idle connections at once, and with them requests that are on their way.
  NetServer.prototype.close.call(server, () => (closed = true));
  const graceUntilMs = Math.min(deadlineMs, monotonicMs() + IDLE_GRACE_MS);
  while (!closed && monotonicMs() < deadlineMs) {
    if (monotonicMs() >= graceUntilMs) server.closeIdleConnections();
    await sleep(POLL_MS);
  }
  if (!closed) server.closeAllConnections();
}
