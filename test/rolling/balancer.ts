// What Kubernetes puts in front of a service: connections go to the processes that say they are ready, each stays where
// it is, and nothing is repeated. A process that is not ready any more gets no new connections.
import { connect, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';
const LOOK_EVERY_MS = 100;
const LOOK_WITHIN_MS = 2_000;
/** As the readiness probe of the deployment has it: one slow answer does not take a process out. */
const SLOW_ANSWERS_MAX = 2;

export interface BalancedTarget {
  /** Takes the connections. */
  readonly port: number;
  /** Origin that answers at `/health/ready`. */
  readonly readyAt: string;
}

interface Entry extends BalancedTarget {
  ready: boolean;
}

/** Spreads TCP connections over the ready ones of several targets, in turn. */
export class Balancer {
  private readonly sockets = new Set<Socket>();
  private readonly looking = new AbortController();
  private turn = 0;
  /** Connections that came while no target was ready. */
  turnedAway = 0;

  private constructor(
    private readonly server: Server,
    private readonly entries: readonly Entry[],
  ) {}

  /** Listens on a free port of 127.0.0.1, and on no target's behalf until that target has said that it is ready. */
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

  /** Targets that get new connections now. */
  get readyCount(): number {
    return this.entries.filter(({ ready }) => ready).length;
  }

  /** Stops looking and cuts what is open. */
  async close(): Promise<void> {
    this.looking.abort();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(client: Socket): void {
    const ready = this.entries.filter((entry) => entry.ready);
    const target = ready[(this.turn += 1) % ready.length];
    if (target === undefined) {
      this.turnedAway += 1;
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
    const { signal } = this.looking;
    let slow = 0;
    while (!signal.aborted) {
      const answer = await look(entry);
      slow = answer === 'slow' ? slow + 1 : 0;
      if (answer !== 'slow' || slow >= SLOW_ANSWERS_MAX) entry.ready = answer === 'ready';
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

async function look({ readyAt }: BalancedTarget): Promise<'ready' | 'unready' | 'slow'> {
  try {
    const answer = await fetch(`${readyAt}/health/ready`, { signal: AbortSignal.timeout(LOOK_WITHIN_MS) });
    await answer.arrayBuffer();
    return answer.ok ? 'ready' : 'unready';
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? 'slow' : 'unready';
  }
}
