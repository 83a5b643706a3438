// Under more load than can be borne, requests wait somewhere. Each that waits inside keeps alive all that was made of it,
// and each that is refused costs nearly as much as one that is accepted. So while too many wait inside, the next request of
// a connection that was just answered is left unread: it waits in the buffers of the network, for nothing.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BoundedQueue, monotonicMs, sleep, soon } from '@gravity/kernel';

const LOOK_EVERY_MS = 5;
const HELD_MAX = 100_000;

export interface BackpressureOptions {
  /** How many further requests are welcome now; none when it is not positive. */
  readonly room: () => number;
  /** After so long a connection is read whether there is room or not: its request must have an answer, be it a refusal. */
  readonly longestMs: number;
  /** From its abortion on nothing is held: the process takes no further requests, and answers those that have come. */
  readonly stopping: AbortSignal;
}

interface Held {
  readonly socket: Socket;
  readonly sinceMs: number;
}

/** Holds connections back, the first one first. New connections are always read. */
export class Backpressure {
  private readonly connections = new BoundedQueue<Held>(HELD_MAX);
  private looking = false;

  constructor(private readonly options: BackpressureOptions) {}

  /** Connections that are not read at the moment. */
  get held(): number {
    return this.connections.length;
  }

  /** Reads the connection of a request that was just answered no further while there is no room. */
  hold({ req: { socket }, shouldKeepAlive }: ServerResponse): void {
    if (!shouldKeepAlive || socket.destroyed || this.options.stopping.aborted) return;
    // Whoever comes when others are held is not read before them.
    if (this.held === 0 && this.options.room() > 0) return;
    if (!this.connections.push({ socket, sinceMs: monotonicMs() })) return;
    // Node still reads from it to finish with the request.
    soon(() => socket.pause());
    if (!this.looking) void this.look();
  }

  private async look(): Promise<void> {
    this.looking = true;
    while (this.held > 0) {
      await sleep(LOOK_EVERY_MS);
      const { room, stopping } = this.options;
      this.release(stopping.aborted ? this.held : Math.max(0, room()));
      const longAgoMs = monotonicMs() - this.options.longestMs;
      while (this.held > 0 && this.connections.oldest!.sinceMs <= longAgoMs) this.release(1);
    }
    this.looking = false;
  }

  private release(count: number): void {
    for (const { socket } of this.connections.take(count)) socket.resume();
  }
}
