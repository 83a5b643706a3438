// What lies between a process and Redis, and between a process and the payment provider: messages that arrive, get lost,
// or have their effect without anybody hearing of it.
import {
  type GateConnection,
  type GateReply,
  type GateScript,
  GateUnavailable,
  StaleRedisInstance,
} from '../../apps/orders/src/gate/gate-connection';
import {
  type CreatedIntent,
  type CreatedRefund,
  type CreateIntent,
  type IntentState,
  type PaymentProvider,
  ProviderUnavailable,
  type RefundPayment,
} from '../../apps/orders/src/payments/payment-provider';
import { type Money, sleep } from '@gravity/kernel';
import type { ModelRedis } from './model-redis';
import { always, type Life, type Scheduler } from './scheduler';

/** Changes to the model that plant a bug, for the specs that show that the bug is found. */
export interface ConnectionPlant {
  /** Whichever server the connection leads to is asked. */
  readonly asksAnyMemory?: boolean;
}

/** One process' connection to Redis: what `GateConnection` is to the service. Commands run in the order they were sent. */
export class ModelGateConnection {
  private verified: string | undefined;
  private sent: object[] = [];
  private cut = false;

  constructor(
    private redis: ModelRedis,
    private readonly scheduler: Scheduler,
    private readonly life: Life,
    private readonly plant: ConnectionPlant = {},
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

  /** Waits the whole time unless there is a connection already: the latest that the real one may be back. */
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
        // The connection it was sent through is gone, and the message with it.
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
    if (elsewhere && this.plant.asksAnyMemory !== true) return Promise.reject(new StaleRedisInstance(this.verified));
    return this.run(script, keys, ...args);
  }

  answers(): Promise<boolean> {
    return Promise.resolve(this.verified !== undefined);
  }

  /** The connection breaks; unless the network is cut it is made again, and the server asked for its run id. */
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

  /** The address leads to another server from now on. */
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

interface ModelIntent {
  readonly intentId: string;
  readonly orderKey: string;
  readonly amount: Money;
  readonly expiresAtMs: number;
  status: 'PENDING' | 'PAID' | 'CANCELLED';
  /** What the buyer was charged, once he has paid. */
  charged: Money;
}

interface ModelRefund {
  readonly chargeId: string;
  readonly amount: Money;
  status: 'PENDING' | 'SUCCEEDED';
}

/** Changes to the model that plant a bug, for the specs that show that the bug is found. */
export interface ProviderPlant {
  /** A refund that is asked for again is made again. */
  readonly forgetsRefunds?: boolean;
}

const SLOW_REFUNDS = 0.3;

/** The provider's own books. */
export class ModelProvider {
  readonly intents = new Map<string, ModelIntent>();
  /** By what they were asked for with. */
  readonly refunds = new Map<string, ModelRefund>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly plant: ProviderPlant = {},
  ) {}

  /** The buyer pays, usually what he was asked for. False when the provider does not let him any more. */
  pay(intentId: string, amount: Money): boolean {
    const intent = this.intents.get(intentId)!;
    if (intent.status !== 'PENDING' || this.scheduler.wallMs() >= intent.expiresAtMs) return false;
    intent.status = 'PAID';
    intent.charged = amount;
    return true;
  }

  /** The provider as one process reaches it. */
  for(life: Life): PaymentProvider {
    const call = <T>(label: string, effect: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const run = (): void => {
          const lost = this.scheduler.fault();
          // Half of the lost calls have had their effect.
          const result = !lost || this.scheduler.chance(0.5) ? effect() : undefined;
          this.scheduler.as(life, () => {
            if (lost) reject(new ProviderUnavailable(label, true, 1));
            else resolve(result as T);
          });
        };
        this.scheduler.add({ label: `${life.name} provider ${label}`, life: undefined, ready: always, run });
      });
    return {
      createIntent: (request: CreateIntent) => call('createIntent', () => this.create(request)),
      queryIntents: (ids: readonly string[]) =>
        call('queryIntents', () => new Map(ids.map((intentId) => [intentId, this.state(intentId)]))),
      cancelIntent: (intentId: string) =>
        call('cancelIntent', () => {
          const intent = this.intents.get(intentId);
          if (intent?.status === 'PENDING') intent.status = 'CANCELLED';
          return this.state(intentId);
        }),
      refund: (request: RefundPayment) => call('refund', () => this.refund(request)),
    } as unknown as PaymentProvider;
  }

  /** Gives money back, at once or when it is asked for once more. */
  private refund({ idempotencyKey, chargeId, amount }: RefundPayment): CreatedRefund {
    const key = this.plant.forgetsRefunds === true ? `${idempotencyKey} ${this.refunds.size}` : idempotencyKey;
    const known = this.refunds.get(key);
    const status = known === undefined && this.scheduler.chance(SLOW_REFUNDS) ? 'PENDING' : 'SUCCEEDED';
    this.refunds.set(key, { chargeId: chargeId!, amount, status });
    return { refundId: `refund ${key}`, status };
  }

  private create(request: CreateIntent): CreatedIntent {
    const intentId = `intent ${request.idempotencyKey}`;
    if (!this.intents.has(intentId)) {
      const { orderId: orderKey, amount, expiresAtMs } = request;
      this.intents.set(intentId, { intentId, orderKey, amount, expiresAtMs, status: 'PENDING', charged: amount });
    }
    return { intentId, payUrl: `pay ${intentId}`, status: 'PENDING' };
  }

  private state(intentId: string): IntentState {
    const intent = this.intents.get(intentId);
    if (intent === undefined) return { status: 'UNKNOWN' };
    if (intent.status !== 'PAID') return { status: intent.status };
    return { status: 'PAID', paidAmount: intent.charged, chargeId: chargeOf(intentId) };
  }
}

/** The one charge of a paid intent. */
export const chargeOf = (intentId: string): string => `charge of ${intentId}`;
