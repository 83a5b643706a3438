// The order in which a process stops: not ready → wait for the balancers → no new connections, finish what was accepted
// → consumers and background work → the application itself. Every step is bounded by one common deadline.
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { monotonicMs, sleep } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';

const POLL_MS = 20;
const QUIET_TURNS = 3;
const QUEUE_WAIT_MAX_MS = 1_000;
// Long enough for a request that is already on its way over an idle connection to arrive and be answered. No connection
// becomes idle while we wait, since every answer closes its own.
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

/** Runs the work, but not past the deadline (monotonic milliseconds). A failure is logged and does not stop the rest. */
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

/** Open connections of a server, for the moment when answers in progress must become the last on theirs. */
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
   * Waits until the listener's queue is empty, a second at most. The kernel resets connections that it has established
   * and we have not taken yet when the listener closes. Node takes one of them per turn of the event loop, so turns that
   * took none have seen an empty queue.
   */
  async untilQueueIsEmpty(): Promise<void> {
    const limitMs = monotonicMs() + QUEUE_WAIT_MAX_MS;
    for (let quietTurns = 0; quietTurns < QUIET_TURNS && monotonicMs() < limitMs;) {
      const before = this.opened;
      await nextTurn();
      quietTurns = this.opened === before ? quietTurns + 1 : 0;
    }
  }

  /** Answers being prepared right now will say `Connection: close`. Later ones must say so by themselves. */
  endAfterCurrentAnswer(): void {
    for (const socket of this.sockets) {
      if (socket._httpMessage && !socket._httpMessage.headersSent) socket._httpMessage.shouldKeepAlive = false;
    }
  }
}

// Node keeps the answer in progress on the socket under this name.
interface SocketInUse extends Socket {
  readonly _httpMessage?: ServerResponse | null;
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
    if (monotonicMs() >= graceUntilMs) {
      // On a busy machine timers may be late, and come before what has arrived meanwhile is read: read it first.
      for (let turn = 0; turn < QUIET_TURNS; turn += 1) await nextTurn();
      server.closeIdleConnections();
    }
    await sleep(POLL_MS);
  }
  if (!closed) server.closeAllConnections();
}

/** Sockets have been looked at once more when it resolves. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
