// A balancer like a Kubernetes Service: new connections go to ready processes, connections stay at their process, and no
// request is repeated. A process that is not ready gets no new connections.
import { connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';
const PROBE_EVERY_MS = 100;
const PROBE_TIMEOUT_MS = 2_000;
/** Like the readiness probe of the deployment: one slow answer does not remove a process. */
const SLOW_ANSWERS_MAX = 2;

export interface BalancedTarget {
  /** The port for connections. */
  readonly port: number;
  /** The origin of `/health/ready`. */
  readonly readyAt: string;
}

interface Entry extends BalancedTarget {
  ready: boolean;
}

/** Spreads TCP connections over the ready ones of several targets, in turn. */
export class Balancer {
  private readonly sockets = new Set<Socket>();
  private readonly probing = new AbortController();
  private turn = 0;
  /** Connections that came while no target was ready. */
  refused = 0;

  private constructor(
    private readonly server: Server,
    private readonly entries: readonly Entry[],
  ) {}

  /** Listens on a free port of 127.0.0.1. A target gets connections once it is ready. */
  static async start(targets: readonly BalancedTarget[]): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true });
    const balancer = new Balancer(
      server,
      targets.map((target) => ({ ...target, ready: false })),
    );
    server.on('connection', (client) => balancer.forward(client));
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    for (const entry of balancer.entries) void balancer.watch(entry);
    return balancer;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** The number of targets that get new connections. */
  get readyCount(): number {
    return this.entries.filter(({ ready }) => ready).length;
  }

  /** Stops the probes and closes all connections. */
  async close(): Promise<void> {
    this.probing.abort();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(client: Socket): void {
    const ready = this.entries.filter((entry) => entry.ready);
    const target = ready[(this.turn += 1) % ready.length];
    if (target === undefined) {
      this.refused += 1;
      client.destroy();
      return;
    }
    const server = connect({ host: LOOPBACK, port: target.port, allowHalfOpen: true });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        if (!socket.readableEnded) other.destroy();
      });
      socket.pipe(other);
    }
  }

  private async watch(entry: Entry): Promise<void> {
    const { signal } = this.probing;
    let slow = 0;
    while (!signal.aborted) {
      const answer = await probe(entry);
      slow = answer === 'slow' ? slow + 1 : 0;
      if (answer !== 'slow' || slow >= SLOW_ANSWERS_MAX) entry.ready = answer === 'ready';
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    }
  }
}

async function probe({ readyAt }: BalancedTarget): Promise<'ready' | 'unready' | 'slow'> {
  try {
    const answer = await fetch(`${readyAt}/health/ready`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await answer.arrayBuffer();
    return answer.ok ? 'ready' : 'unready';
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? 'slow' : 'unready';
  }
}
