// Takes the connections of a crowd as fast as it comes. libuv takes one connection per listening handle and turn of the
// event loop, and a turn of a busy process lasts tens of milliseconds: of two thousand who come at once, the last would
// be taken after many seconds, while those who are connected are served without a pause. Several handles on the one
// listening socket take several per turn.
//
// Node has no call that duplicates a handle, but a handle that is sent to another process arrives there as a duplicate.
// So a helper sends back what we send to it, and ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server as NetServer } from 'node:net';
import type { AppLogger } from '@gravity/observability';

const ECHO = "process.on('message', (message, handle) => process.send(message, handle))";

/** Further handles on the listening socket of a server. Connections that they take are the server's. */
export class Acceptors {
  private readonly listeners: NetServer[] = [];
  private helper: ChildProcess | undefined;
  private closing = false;

  /** `node`: the program that runs the helper. */
  constructor(
    private readonly server: HttpServer,
    private readonly logger: AppLogger,
    private readonly node = process.execPath,
  ) {
    // However the server is closed: our handles would keep its port, and take connections that nobody answers.
    server.once('close', () => void this.close());
  }

  /** Adds handles to a server that listens. Resolves when they take connections. Without them it takes one per turn. */
  async add(count: number): Promise<void> {
    let cause: unknown;
    try {
      await this.askForHandles(count);
    } catch (error) {
      cause = error;
    }
    this.helper = undefined;
    if (this.listeners.length < count && !this.closing)
      this.logger.warn('connections are taken one per turn: no more handles', { error: cause });
  }

  /** Resolves when the helper has ended; rejects when it did not start. */
  private async askForHandles(count: number): Promise<void> {
    // The helper takes nothing from our environment: neither settings of Node nor secrets.
    const helper = spawn(this.node, ['-e', ECHO], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: {} });
    this.helper = helper;
    const ended = once(helper, 'exit');
    helper.on('message', (_message, handle) => {
      this.listen(handle);
      if (this.listeners.length === count) helper.disconnect();
    });
    const own = (this.server as unknown as { readonly _handle: never })._handle;
    // A helper that did not start can be sent nothing. What else cannot be sent is heard of by the helper's end.
    for (let sent = 0; helper.pid !== undefined && sent < count; sent += 1) helper.send('', own, () => undefined);
    await ended;
  }

  private listen(handle: unknown): void {
    if (this.closing) return (handle as { close(): void }).close();
    // As Node's HTTP server makes its own.
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.server.emit('connection', socket);
    });
    listener.on('error', (error) => this.server.emit('error', error));
    listener.listen(handle);
    this.listeners.push(listener);
  }

  /** Takes no more connections. Resolves when those taken here have ended. */
  async close(): Promise<void> {
    this.closing = true;
    this.helper?.kill();
    await Promise.all(
      this.listeners.splice(0).map((listener) => new Promise((resolve) => listener.close(() => resolve(undefined)))),
    );
  }
}
