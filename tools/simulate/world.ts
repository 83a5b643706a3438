// One sale, its engines and processes, and everything that may happen to them.
import { idFromUuid, type Money, money, uuidFromId, uuidFromParts } from '@gravity/kernel';
import { type Act, actOf, type Mood, moodOf } from './moods';
import { ModelPostgres } from './model-postgres';
import { ModelProvider, chargeOf } from './model-network';
import { ModelRedis } from './model-redis';
import type { Plant } from './plants';
import type { Walk } from './turns';
import { Promises, type Request } from './promises-kept';
import { type Engines, ServiceProcess, type WorkerName } from './service-process';
import type { StoredOrder } from './model-tables';
import { Scheduler } from './scheduler';
import type { Charge } from '../../apps/orders/src/order-changes';

const SERIES = uuidFromParts('simulation', 'series');
const ROUND = uuidFromParts('simulation', 'round');
const ITEMS = [uuidFromParts('simulation', 'item 1'), uuidFromParts('simulation', 'item 2')];
const ITEM_KEYS = ITEMS.map((item) => idFromUuid('item', item));
const OPEN_FOR_MS = 600_000;
const WORKERS: readonly WorkerName[] = ['sweeper', 'returns', 'expiry', 'mender'];
/** Refunds come to an end after so many attempts that nothing hinders. */
const REFUND_ATTEMPTS = 4;
const WRONG_SUMS = 0.3;
const MONEY_EAGERNESS = 0.1;

export class World {
  readonly scheduler: Scheduler;
  readonly promises: Promises;
  readonly engines: Engines;
  readonly mood: Mood;
  readonly processes: ServiceProcess[] = [];
  private readonly requests: Request[] = [];
  private snapshot: ReturnType<ModelRedis['snapshot']> | undefined;
  private born = 0;
  private readonly buyers: number;
  /** Buyers call orders off, and money is given back: in every other schedule, the rest keeps its steps for claims. */
  private readonly withRefunds: boolean;
  private readonly workers: readonly WorkerName[];

  constructor(
    seed: number,
    private readonly plant: Plant,
    traced: boolean,
  ) {
    const scheduler = (this.scheduler = new Scheduler(seed, traced));
    const postgres = new ModelPostgres(plant);
    this.engines = {
      scheduler,
      postgres,
      redis: new ModelRedis(() => scheduler.wallMs(), plant),
      provider: new ModelProvider(scheduler, plant),
    };
    this.promises = new Promises(scheduler, postgres.store);
    this.withRefunds = seed % 2 === 1;
    this.mood = moodOf(seed);
    this.workers = this.withRefunds ? [...WORKERS, 'refunds'] : WORKERS;
    this.buyers = 2 + scheduler.pick(3);
    this.putSale();
    for (let count = 1 + scheduler.pick(2); count >= 0; count -= 1) this.addProcess();
  }

  /** Starts something, chosen by the seed. */
  *act(): Walk {
    const { scheduler } = this;
    const process = this.processes[scheduler.pick(this.processes.length)]!;
    yield* this.begin(process, actOf(this.mood, scheduler.pick(100)));
    yield;
  }

  /** By now there are orders: they are paid, called off and paid back in every other schedule. */
  *moveMoney(): Walk {
    const { scheduler } = this;
    if (!this.withRefunds) return;
    for (let left = 6 + scheduler.pick(12); left > 0 && scheduler.complaints.length === 0;) {
      if (scheduler.chance(MONEY_EAGERNESS) || !scheduler.step()) {
        yield* this.actOnMoney();
        left -= 1;
      }
      yield;
      this.promises.check();
    }
  }

  private *actOnMoney(): Walk {
    const process = this.processes[this.scheduler.pick(this.processes.length)]!;
    const dice = this.scheduler.pick(20);
    if (dice < 3) this.callOff(process);
    else if (dice < 8) this.openPayment(process);
    else if (dice < 13) this.payAndCallBack(process);
    else if (dice < 17) this.work(process, this.workers[this.scheduler.pick(this.workers.length)]!);
    else if (dice < 19) yield* this.timePasses();
    else this.crash(process);
  }

  /** Nothing fails any more, everybody is back; the service gets the time it asks for, and its buyers ask again. */
  *settle(): Walk {
    this.scheduler.faultRate = 0;
    this.scheduler.stallRate = 0;
    for (const process of this.processes) {
      process.connection.setCut(false);
      process.connection.moveTo(this.engines.redis);
    }
    this.scheduler.note('all is well from here on');
    for (let round = 0; round < 2; round += 1) {
      yield* this.drain();
      for (const worker of this.workers) {
        this.work(this.processes[0]!, worker);
        yield* this.drain();
      }
      this.scheduler.advance(6_000);
    }
    yield* this.drain();
    if (this.scheduler.complaints.length > 0) return;
    yield* this.repairGate();
    this.promises.checkRefusals();
    for (const request of this.requests) {
      this.send(this.processes[0]!, request);
      yield* this.drain();
    }
    this.work(this.processes[0]!, 'returns');
    yield* this.drain();
    if (this.scheduler.complaints.length > 0) return;
    if (this.withRefunds) yield* this.finishRefunds();
    this.promises.checkRest(this.engines.redis, SERIES);
  }

  /** Attempts that failed before are far apart: time goes on to the next one. */
  private *finishRefunds(): Walk {
    const { refunds } = this.engines.postgres.store.tables;
    for (let attempts = 0; attempts < REFUND_ATTEMPTS; attempts += 1) {
      const open = [...refunds.values()].filter((row) => row.status === 'REQUESTED');
      if (open.length === 0) break;
      const dueMs = Math.max(...open.map((row) => row.next_attempt_ms));
      this.scheduler.advance(Math.max(1, dueMs - this.scheduler.wallMs()));
      this.work(this.processes[0]!, 'refunds');
      yield* this.drain();
    }
    this.promises.checkRefunds(this.engines.provider);
  }

  /** Lets everything end that is under way; time goes on only when nothing else can. */
  *drain(): Walk {
    for (let limit = 0; limit < 20_000; limit += 1) {
      // What has been begun unfolds first: only then is it known what may come next.
      yield;
      const moved = this.scheduler.complaints.length === 0 && this.scheduler.step();
      this.promises.check();
      if (this.scheduler.complaints.length > 0) return;
      if (!moved && !this.scheduler.advanceToTimer()) {
        if (this.scheduler.blocked.length > 0)
          this.scheduler.complain(`waiting for each other for ever: ${this.scheduler.blocked.join('; ')}`);
        return;
      }
    }
    this.scheduler.complain('it never comes to rest');
  }

  private putSale(): void {
    const { scheduler } = this;
    const { tables } = this.engines.postgres.store;
    const now = scheduler.wallMs();
    const winLimit = scheduler.chance(0.3) ? 1 : null;
    const perBuyer = 1 + scheduler.pick(2);
    const items = 1 + scheduler.pick(this.mood.itemsMax);
    tables.series.set(SERIES, { series_id: SERIES, epoch: 0, admission: 'GATE', gate_run_id: null, changed_ms: now });
    tables.rounds.set(ROUND, {
      round_id: ROUND,
      series_id: SERIES,
      status: 'OPEN',
      opens_ms: now - 1_000,
      closes_ms: now + OPEN_FOR_MS,
      payment_window_seconds: 5 + scheduler.pick(10),
      win_limit: winLimit,
    });
    for (const item_id of ITEMS.slice(0, items)) {
      tables.items.set(item_id, {
        item_id,
        round_id: ROUND,
        series_id: SERIES,
        quota: 1 + scheduler.pick(this.mood.quotaMax),
        held: 0,
        sold: 0,
        written_off: 0,
        released: 0,
        resold: 0,
        first_pass_until: null,
        selling: true,
        epoch: 0,
        admission: 'GATE',
        per_order_limit: perBuyer,
        per_buyer_limit: perBuyer,
      });
    }
    scheduler.note(`${items} items, ${perBuyer} per buyer, win limit ${String(winLimit)}`);
  }

  private addProcess(): ServiceProcess {
    this.born += 1;
    const process = new ServiceProcess(`p${this.born}`, this.engines, this.plant);
    this.processes.push(process);
    return process;
  }

  private claim(process: ServiceProcess): void {
    const { scheduler } = this;
    const { items } = this.engines.postgres.store.tables;
    const number = scheduler.pick(items.size);
    const perBuyer = items.get(ITEMS[number]!)!.per_buyer_limit;
    const key = `key ${this.requests.length + 1}`;
    const buyerId = `buyer_${scheduler.pick(this.buyers)}`;
    const request: Request = {
      name: `${buyerId} ${key}`,
      claimId: uuidFromParts('claim', buyerId, key),
      command: {
        buyerId,
        roundId: ROUND,
        idempotencyKey: key,
        itemId: ITEM_KEYS[number]!,
        quantity: 1 + scheduler.pick(perBuyer),
        regionCode: 'CN-11',
        expectedTotal: undefined,
        traceparent: undefined,
      },
      answers: [],
    };
    this.requests.push(request);
    this.send(process, request);
  }

  private repeat(process: ServiceProcess): void {
    if (this.requests.length === 0) return;
    const choice = this.scheduler.pick(2 * this.requests.length);
    const request = this.requests[choice >> 1]!;
    if (choice % 2 === 1 && this.promises.hangUp(request)) this.scheduler.note(`${request.name} hangs up`);
    this.send(process, request);
  }

  private send(process: ServiceProcess, request: Request): void {
    this.scheduler.note(`${process.name} is asked: ${request.name}`);
    const heard = this.promises.asked(request, process);
    const hungUp = this.plant.forgetsWhoHungUp === true ? (): boolean => false : heard.hungUp;
    const command = { ...request.command, aborted: hungUp };
    this.scheduler.as(
      process,
      () => void Promise.resolve(process.claims.execute(command)).then(heard.answer, heard.failure),
    );
  }

  private work(process: ServiceProcess, worker: WorkerName): void {
    if (process.busy.has(worker)) return;
    this.scheduler.note(`${process.name} turn of ${worker}`);
    this.scheduler.as(process, () => void process.turn(worker).catch((error) => this.promises.outage(error)));
  }

  /** An operator has the gate loaded anew, whatever its state. */
  private reconcile(process: ServiceProcess): void {
    this.scheduler.note(`${process.name} loads the gate`);
    this.scheduler.as(process, () => void process.keeper.load(SERIES).catch((error) => this.promises.outage(error)));
  }

  private anyOrder(): StoredOrder | undefined {
    const orders = [...this.engines.postgres.store.tables.orders.values()];
    return orders[this.scheduler.pick(Math.max(1, orders.length))];
  }

  private callOff(process: ServiceProcess): void {
    const order = this.anyOrder();
    if (order === undefined) return;
    this.scheduler.note(`${process.name} calls off the order of ${order.buyer_id}`);
    const call = process.cancellations.execute.bind(
      process.cancellations,
      order.buyer_id,
      idFromUuid('order', order.order_id),
    );
    const heard = (result: Awaited<ReturnType<typeof call>>): void => this.promises.cancelled(order, result);
    this.scheduler.as(process, () => void call().then(heard, (error) => this.promises.outage(error)));
  }

  private openPayment(process: ServiceProcess): void {
    const order = this.anyOrder();
    if (order === undefined) return;
    this.scheduler.note(`${process.name} opens the payment of ${order.buyer_id}`);
    const open = process.intents.execute.bind(process.intents, order.buyer_id, idFromUuid('order', order.order_id));
    this.scheduler.as(process, () => void open().catch((error) => this.promises.outage(error)));
  }

  /** The buyer pays, or an old event is told once more; the callback may be told to any process, or be lost. */
  private payAndCallBack(process: ServiceProcess): void {
    const { provider } = this.engines;
    const intents = [...provider.intents.values()];
    const intent = intents[this.scheduler.pick(Math.max(1, intents.length))];
    if (intent === undefined) return;
    if (intent.status !== 'PAID' && !provider.pay(intent.intentId, this.paidFor(intent.amount))) return;
    this.scheduler.note(`paid at the provider: ${intent.intentId}`);
    if (this.scheduler.chance(0.3)) return;
    const charge: Charge = {
      intentId: intent.intentId,
      chargeId: chargeOf(intent.intentId),
      amount: intent.charged,
    };
    const event = { provider: 'sandbox', eventId: `paid ${intent.intentId}`, type: 'payment.succeeded' };
    const fact = { kind: 'succeeded', orderId: uuidFromId('order', intent.orderKey), charge, event } as const;
    this.scheduler.note(`${process.name} hears of it`);
    this.scheduler.as(process, () => void process.settler.settle(fact).catch((error) => this.promises.outage(error)));
  }

  /** A provider may take another sum than it was asked for. */
  private paidFor(amount: Money): Money {
    const wrong = this.withRefunds && this.scheduler.chance(WRONG_SUMS);
    return wrong ? money(amount.minor + 1n, amount.currency) : amount;
  }

  private *timePasses(): Walk {
    const { stepsMs } = this.mood;
    const ms = stepsMs[this.scheduler.pick(stepsMs.length)]!;
    this.scheduler.advance(ms);
    // Sweepers look every second: one of them is likely to find what is older than its grace.
    if (ms <= 5_000) return;
    for (const process of this.processes) {
      if (!this.scheduler.chance(0.5)) continue;
      this.work(process, 'sweeper');
      yield;
    }
  }

  private *begin(process: ServiceProcess, act: Act): Walk {
    switch (act) {
      case 'work':
        return this.work(process, this.anyWorker());
      case 'timePasses':
        return yield* this.timePasses();
      case 'redisEmpty':
        this.scheduler.note('Redis starts again, empty');
        return this.restartRedis();
      case 'snapshot':
        this.scheduler.note('a snapshot of Redis is taken');
        this.snapshot = this.engines.redis.snapshot();
        return;
      case 'redisOld':
        if (this.snapshot === undefined) return;
        this.scheduler.note('Redis starts again with the old snapshot');
        return this.restartRedis(this.snapshot);
      case 'failOver':
        return this.failOver();
      default:
        return this[act](process);
    }
  }

  private anyWorker(): WorkerName {
    const workers = this.mood.workers ?? this.workers;
    return workers[this.scheduler.pick(workers.length)]!;
  }

  private cutOrConnect(process: ServiceProcess): void {
    const cut = this.scheduler.chance(0.5);
    this.scheduler.note(`${process.name} is ${cut ? 'cut off' : 'connected to'} Redis`);
    process.connection.setCut(cut);
  }

  private crash(process: ServiceProcess): void {
    this.scheduler.note(`${process.name} dies`);
    this.scheduler.kill(process);
    process.abandon();
    this.promises.died(process);
    this.processes.splice(this.processes.indexOf(process), 1);
    this.addProcess();
  }

  /** A replica is promoted, as new as its primary or older; not everybody hears of it before all is well again. */
  private failOver(): void {
    const { scheduler } = this;
    const lags = this.snapshot !== undefined && scheduler.chance(0.3);
    this.engines.redis = this.engines.redis.promoted(lags ? this.snapshot : undefined);
    const moved = this.processes.filter(() => scheduler.chance(0.5));
    for (const process of moved) process.connection.moveTo(this.engines.redis);
    scheduler.note(
      `a replica of Redis is promoted${lags ? ', an old one' : ''}: ${moved.map(({ name }) => name).join(', ') || 'nobody'} hears of it`,
    );
  }

  private restartRedis(snapshot?: ReturnType<ModelRedis['snapshot']>): void {
    this.engines.redis.restart(snapshot);
    for (const process of this.processes) process.connection.drop();
  }

  /** What the conservation watch would do for a gate that a dead process left behind: load it. */
  private *repairGate(): Walk {
    const { postgres } = this.engines;
    if (!this.promises.gateIsAbsent(this.engines.redis, SERIES)) return;
    const { epoch } = postgres.store.tables.series.get(SERIES)!;
    this.scheduler.note('the watch loads the gate');
    const keeper = this.processes[0]!.keeper;
    this.scheduler.as(
      this.processes[0],
      () => void keeper.load(SERIES, BigInt(epoch)).catch((error) => this.promises.outage(error)),
    );
    yield* this.drain();
  }
}
