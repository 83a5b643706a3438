// Controls the process of the load generator, and reads the CPU time of every process of the system during a load.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { cpuTimeUs, type ProcessGroup } from './cpu';

/** The address of a server. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** A request of the load. */
export interface Target {
  readonly path: string;
  readonly body: string;
}

export interface LoadOrder {
  /** The clients are distributed over them. */
  readonly servers: readonly Server[];
  /** The requests are distributed over them. */
  readonly targets: readonly Target[];
  readonly clients: number;
  /** How many tokens to use, and the index of the first one. */
  readonly buyers: number;
  readonly firstBuyer: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** An open loop: requests at a fixed rate, independent of the answers. */
export interface OpenLoopOrder {
  readonly server: Server;
  readonly targets: readonly Target[];
  readonly perSecond: number;
  readonly connectionsMax: number;
  readonly durationMs: number;
  /** A request without an answer is aborted after this time. */
  readonly timeoutMs: number;
}

export interface OpenLoopResult {
  readonly offeredPerSecond: number;
  readonly acceptedPerSecond: number;
  /** Latency of accepted requests, from the time at which they were due. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers by status, and requests without an answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests for which no connection was free. */
  readonly dropped: number;
  /** Refusals with a Retry-After header. */
  readonly withRetryAfter: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly statuses: Readonly<Record<string, number>>;
}

export interface Measured extends LoadResult {
  /** Microseconds of CPU per request, by group of processes. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

interface WorkerEvent {
  readonly event: 'counting' | 'counted' | 'done' | 'failed';
  readonly result?: LoadResult | OpenLoopResult;
  readonly message?: string;
}

/** The process that sends the requests. */
export class LoadGenerator {
  private readonly worker: ChildProcess = fork(join(__dirname, 'load-worker.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Ten thousand requests wait at the same time. A small young generation would copy each of them several times.
    execArgv: ['--max-semi-space-size=64'],
  });

  /** Sends the tokens of the buyers to the process. */
  useTokens(tokens: readonly string[]): void {
    this.worker.send({ tokens });
  }

  get pid(): number {
    return this.worker.pid!;
  }

  /** Runs one load. The hooks run at the start and at the end of the measured part. */
  async run(
    order: LoadOrder,
    groups: readonly ProcessGroup[],
    hooks: { counting?: () => void; counted?: () => void } = {},
  ): Promise<Measured> {
    const before = new Map<string, number>();
    const spent: Record<string, number> = {};
    const result = await new Promise<LoadResult>((resolve, reject) => {
      const listen = (event: WorkerEvent): void => {
        if (event.event === 'counting') {
          for (const group of groups) before.set(group.name, cpuTimeUs(group));
          hooks.counting?.();
        } else if (event.event === 'counted') {
          for (const group of groups) spent[group.name] = cpuTimeUs(group) - before.get(group.name)!;
          hooks.counted?.();
        } else {
          this.worker.off('message', listen);
          if (event.event === 'done') resolve(event.result as LoadResult);
          else reject(new Error(`the load generator failed: ${event.message}`));
        }
      };
      this.worker.on('message', listen);
      this.worker.send({ order });
    });
    const perRequest = ([name, us]: [string, number]): [string, number] => [
      name,
      result.count === 0 ? 0 : us / result.count,
    ];
    return { ...result, cpuUs: Object.fromEntries(Object.entries(spent).map(perRequest)) };
  }

  /** Runs an open loop. */
  runOpen(openLoop: OpenLoopOrder): Promise<OpenLoopResult> {
    return new Promise((resolve, reject) => {
      this.worker.once('message', (event: WorkerEvent) => {
        if (event.event === 'done') resolve(event.result as OpenLoopResult);
        else reject(new Error(`the load generator failed: ${event.message}`));
      });
      this.worker.send({ openLoop });
    });
  }

  async stop(): Promise<void> {
    this.worker.kill();
  }
}
