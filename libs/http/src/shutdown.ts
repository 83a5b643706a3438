// The order in which a process stops: not ready → wait for the balancers → no new connections, finish accepted requests
// → consumers and background work → the application. One deadline bounds all steps.
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { monotonicMs, sleep } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';

const POLL_MS = 20;
const QUIET_TURNS = 3;
const QUEUE_WAIT_MAX_MS = 1_000;
// Long enough for a request in transit on an idle connection to arrive and be answered. No connection becomes idle
// during the wait, because every answer closes its connection.
const IDLE_GRACE_MS = 250;

export interface DrainHook {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Work that modules finish before the process ends. */
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

  /**
   * Aborts {@link stopping}: the process takes no further requests.
   * @internal
   */
  announce(): void {
    this.stop.abort();
  }

  /** @internal */
  get registered(): readonly DrainHook[] {
    return this.hooks;
  }
}

/**
 * Runs the work, but not past the deadline (monotonic milliseconds). A failure is logged and does not stop the rest.
 */
export async function bounded(
  name: string,
  deadlineMs: number,
  logger: AppLogger,
  work: () => Promise<unknown>,
): Promise<boolean> {
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

/** Open connections of a server. At shutdown, the current answer becomes the last one of each. */
export class Connections {
  private readonly sockets = new Set<SocketInUse>();
  private opened = 0;

  constructor(server: HttpServer) {
    server.on('connection', (socket: SocketInUse) => {
      this.opened += 1;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /**
   * Waits until the listener's queue is empty, a second at most. When the listener closes, the kernel resets
   * established connections that Node has not accepted. Node accepts one per turn of the event loop, so after turns
   * without an accept the queue is empty.
   */
  async untilQueueIsEmpty(): Promise<void> {
    const limitMs = monotonicMs() + QUEUE_WAIT_MAX_MS;
    for (let quietTurns = 0; quietTurns < QUIET_TURNS && monotonicMs() < limitMs;) {
      const before = this.opened;
      await nextTurn();
      quietTurns = this.opened === before ? quietTurns + 1 : 0;
    }
  }

  /** Sets `Connection: close` for the answers in preparation. Later answers must set it. */
  endAfterCurrentAnswer(): void {
    for (const socket of this.sockets) {
      if (socket._httpMessage && !socket._httpMessage.headersSent) socket._httpMessage.shouldKeepAlive = false;
    }
  }
}

// Node stores the current answer of a socket under this name.
interface SocketInUse extends Socket {
  readonly _httpMessage?: ServerResponse | null;
}

/**
 * Stops accepting connections and waits until every accepted request is answered. The server must already answer with
 * `Connection: close`. Connections that are open at the deadline are cut.
 */
export async function drainHttp(server: HttpServer, deadlineMs: number): Promise<void> {
  if (!server.listening) return;
  let closed = false;
  // http.Server.close() would cut idle connections at once, and lose requests in transit.
  NetServer.prototype.close.call(server, () => (closed = true));
  const graceUntilMs = Math.min(deadlineMs, monotonicMs() + IDLE_GRACE_MS);
  while (!closed && monotonicMs() < deadlineMs) {
    if (monotonicMs() >= graceUntilMs) {
      // On a busy machine a timer may run before data that arrived earlier is read. Read it first.
      for (let turn = 0; turn < QUIET_TURNS; turn += 1) await nextTurn();
      server.closeIdleConnections();
    }
    await sleep(POLL_MS);
  }
  if (!closed) server.closeAllConnections();
}

/** Resolves after the event loop has polled the sockets once. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
