// Drives the crowd's process and reads the CPU time that every process of the system spends meanwhile.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { cpuTicks, type ProcessGroup } from './cpu';

/** A server. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** What is asked for. */
export interface Target {
  readonly path: string;
  readonly body: string;
}

export interface LoadOrder {
  /** Clients are spread over them. */
  readonly servers: readonly Server[];
  /** Requests are spread over them. */
  readonly targets: readonly Target[];
  readonly clients: number;
  /** How many of the tokens to use, and where to begin. */
  readonly buyers: number;
  readonly firstBuyer: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** A load that does not wait for answers. */
export interface OpenLoopOrder {
  readonly server: Server;
  readonly targets: readonly Target[];
  readonly perSecond: number;
  readonly connectionsMax: number;
  readonly durationMs: number;
  /** A request without an answer is given up after this. */
  readonly timeoutMs: number;
}

export interface OpenLoopResult {
  readonly offeredPerSecond: number;
  readonly acceptedPerSecond: number;
  /** Of accepted requests, from the time at which they were due. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers by status, and requests that ended without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Arrivals that found no free connection. */
  readonly turnedAway: number;
  /** Refusals that say when to come again. */
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

export class Crowd {
  private readonly worker: ChildProcess = fork(join(__dirname, 'load-worker.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Ten thousand requests wait at once: collected in small steps, each would be moved about and cost more than it does.
    execArgv: ['--max-semi-space-size=64'],
  });

  /** Gives the crowd its tokens. */
  equip(tokens: readonly string[]): void {
    this.worker.send({ tokens });
  }

  get pid(): number {
    return this.worker.pid!;
  }

  /** Runs one load; `onCounting` and `onCounted` frame the measured part. */
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
          for (const group of groups) before.set(group.name, cpuTicks(group));
          hooks.counting?.();
        } else if (event.event === 'counted') {
          for (const group of groups) spent[group.name] = cpuTicks(group) - before.get(group.name)!;
          hooks.counted?.();
        } else {
          this.worker.off('message', listen);
          if (event.event === 'done') resolve(event.result as LoadResult);
          else reject(new Error(`the crowd failed: ${event.message}`));
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

  /** Runs a load that does not wait for answers. */
  runOpen(openLoop: OpenLoopOrder): Promise<OpenLoopResult> {
    return new Promise((resolve, reject) => {
      this.worker.once('message', (event: WorkerEvent) => {
        if (event.event === 'done') resolve(event.result as OpenLoopResult);
        else reject(new Error(`the crowd failed: ${event.message}`));
      });
      this.worker.send({ openLoop });
    });
  }

  async stop(): Promise<void> {
    this.worker.kill();
  }
}
