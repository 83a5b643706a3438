// The network between a process and Redis: messages that arrive, get lost, or take effect although the answer is lost.
import {
  type GateConnection,
  type GateReply,
  type GateScript,
  GateUnavailable,
  StaleRedisInstance,
} from '../../apps/orders/src/gate/gate-connection';
import { sleep } from '@gravity/kernel';
import type { ModelRedis } from './model-redis';
import { always, type Life, type Scheduler } from './scheduler';

/** Bugs of the model, for the specs that show that the simulation finds them. */
export interface ConnectionMutation {
  /** A command runs on any server that the connection leads to, with any run id. */
  readonly usesStaleRedis?: boolean;
}

/** One process' connection to Redis, in place of `GateConnection`. Commands run in the order in which they were sent. */
export class ModelGateConnection {
  private verified: string | undefined;
  private sent: object[] = [];
  private cut = false;

  constructor(
    private redis: ModelRedis,
    private readonly scheduler: Scheduler,
    private readonly life: Life,
    private readonly mutation: ConnectionMutation = {},
  ) {
    this.verified = redis.runId;
  }

  /** The same object, as the service's classes take it. */
  get asConnection(): GateConnection {
    return this as unknown as GateConnection;
  }

  get runId(): string | undefined {
    return this.verified;
  }

  /** Waits the whole time unless there is a connection: the worst case of the real one. */
  async back(ms: number): Promise<void> {
    if (this.verified === undefined) await sleep(ms);
  }

  run(script: GateScript, keys: readonly string[], ...args: (string | number)[]): Promise<GateReply> {
    if (this.verified === undefined) return Promise.reject(new GateUnavailable('no verified connection to Redis'));
    const message = {};
    this.sent.push(message);
    return new Promise((resolve, reject) => {
      const lose = (): void => this.scheduler.as(this.life, () => reject(new GateUnavailable(`${script}: no answer`)));
      const run = (): void => {
        // The connection that the message was sent through is gone.
        if (this.sent[0] !== message) return lose();
        this.sent.shift();
        const fate = this.scheduler.fault() ? this.scheduler.pick(3) : 3;
        if (fate === 3) {
          const reply = this.redis.run(script, keys, args);
          return this.scheduler.as(this.life, () => resolve(reply));
        }
        this.scheduler.note(`  ${['not run', 'run, the answer is lost', 'the connection drops, it runs later'][fate]}`);
        if (fate === 1) this.redis.run(script, keys, args);
        if (fate === 2) {
          this.runLater(script, keys, args);
          this.drop();
        }
        lose();
      };
      const ready = (): boolean => this.sent[0] === message || !this.sent.includes(message);
      this.scheduler.add({ label: `${this.life.name} redis ${script}`, life: undefined, ready, run });
    });
  }

  runIn(
    runId: string | undefined,
    script: GateScript,
    keys: readonly string[],
    ...args: (string | number)[]
  ): Promise<GateReply> {
    const elsewhere = this.verified !== undefined && this.verified !== runId;
    if (elsewhere && this.mutation.usesStaleRedis !== true)
      return Promise.reject(new StaleRedisInstance(this.verified));
    return this.run(script, keys, ...args);
  }

  answers(): Promise<boolean> {
    return Promise.resolve(this.verified !== undefined);
  }

  /** The connection breaks. Unless the network is cut, it is made again and the server is asked for its run id. */
  drop(): void {
    this.verified = undefined;
    this.sent = [];
    if (this.cut) return;
    this.scheduler.add({
      label: `${this.life.name} connects to Redis`,
      life: this.life,
      ready: always,
      run: () => {
        if (!this.cut) this.verified = this.redis.runId;
      },
    });
  }

  /** Cuts the process off Redis, or lets it connect again. */
  setCut(cut: boolean): void {
    if (this.cut === cut) return;
    this.cut = cut;
    this.drop();
  }

  /** The address leads to another server. */
  moveTo(redis: ModelRedis): void {
    if (this.redis === redis) return;
    this.redis = redis;
    this.drop();
  }

  private runLater(script: GateScript, keys: readonly string[], args: readonly (string | number)[]): void {
    const { redis } = this;
    const { runId } = redis;
    const run = (): void => {
      if (redis.runId === runId) redis.run(script, keys, args);
    };
    this.scheduler.add({ label: `late redis ${script} of ${this.life.name}`, life: undefined, ready: always, run });
  }
}
