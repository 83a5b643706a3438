// One sale, its engines and processes, and every event that may happen to them.
import { idFromUuid, uuidFromParts } from '@gravity/kernel';
import { Invariants, type Request } from './invariants';
import { ModelPostgres } from './model-postgres';
import { ModelRedis } from './model-redis';
import type { StoredOrder } from './model-tables';
import type { Mutation } from './mutations';
import { type Act, actOf, type Profile, profileOf } from './profiles';
import { Scheduler } from './scheduler';
import { type Engines, ServiceProcess, WORKERS, type WorkerName } from './service-process';
import type { Walk } from './turns';

const SERIES = uuidFromParts('simulation', 'series');
const ROUND = uuidFromParts('simulation', 'round');
const ITEMS = [uuidFromParts('simulation', 'item 1'), uuidFromParts('simulation', 'item 2')];
const ITEM_KEYS = ITEMS.map((item) => idFromUuid('item', item));
const OPEN_FOR_MS = 600_000;
/** A step that is longer than this passes the grace of the sweeper, whose own period is shorter. */
const SWEEP_AFTER_MS = 5_000;

export class World {
  readonly scheduler: Scheduler;
  readonly invariants: Invariants;
  readonly engines: Engines;
  readonly profile: Profile;
  private readonly processes: ServiceProcess[] = [];
  private readonly requests: Request[] = [];
  private snapshot: ReturnType<ModelRedis['snapshot']> | undefined;
  private processesStarted = 0;
  private readonly buyers: number;

  constructor(
    seed: number,
    private readonly mutation: Mutation,
    traced: boolean,
  ) {
    const scheduler = (this.scheduler = new Scheduler(seed, traced));
    const postgres = new ModelPostgres(mutation);
    this.engines = { scheduler, postgres, redis: new ModelRedis(() => scheduler.wallMs(), mutation) };
    this.invariants = new Invariants(scheduler, postgres.store);
    this.profile = profileOf(seed);
    this.buyers = 2 + scheduler.pick(3);
    this.putSale();
    for (let count = 1 + scheduler.pick(2); count >= 0; count -= 1) this.addProcess();
  }

  /** Begins one action, chosen by the seed. */
  *act(): Walk {
    const { scheduler } = this;
    const process = this.processes[scheduler.pick(this.processes.length)]!;
    yield* this.begin(process, actOf(this.profile, scheduler.pick(100)));
    yield;
  }

  /** Ends all faults and connects every process. The workers run as often as they need, and buyers ask again. */
  *settle(): Walk {
    this.scheduler.faultRate = 0;
    this.scheduler.stallRate = 0;
    for (const process of this.processes) {
      process.connection.setCut(false);
      process.connection.moveTo(this.engines.redis);
    }
    this.scheduler.note('all faults end here');
    for (let round = 0; round < 2; round += 1) {
      yield* this.drain();
      for (const worker of WORKERS) {
        this.work(this.processes[0]!, worker);
        yield* this.drain();
      }
      this.scheduler.advance(6_000);
    }
    yield* this.drain();
    if (this.scheduler.complaints.length > 0) return;
    yield* this.repairGate();
    this.invariants.checkRefusals();
    for (const request of this.requests) {
      this.send(this.processes[0]!, request);
      yield* this.drain();
    }
    this.work(this.processes[0]!, 'returns');
    yield* this.drain();
    if (this.scheduler.complaints.length > 0) return;
    this.invariants.checkRest(this.engines.redis, SERIES);
  }

  /** Runs everything that is under way to its end. Time goes on only when no step is possible. */
  private *drain(): Walk {
    for (let limit = 0; limit < 20_000; limit += 1) {
      // Promises that are under way settle first: they decide which steps are possible next.
      yield;
      const moved = this.scheduler.complaints.length === 0 && this.scheduler.step();
      this.invariants.check();
      if (this.scheduler.complaints.length > 0) return;
      if (!moved && !this.scheduler.advanceToTimer()) {
        if (this.scheduler.blocked.length > 0)
          this.scheduler.complain(`deadlock: ${this.scheduler.blocked.join('; ')}`);
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
    const items = 1 + scheduler.pick(this.profile.itemsMax);
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
        quota: 1 + scheduler.pick(this.profile.quotaMax),
        held: 0,
        released: 0,
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
    this.processesStarted += 1;
    const process = new ServiceProcess(`p${this.processesStarted}`, this.engines, this.mutation);
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
    if (choice % 2 === 1 && this.invariants.abort(request)) this.scheduler.note(`${request.name} disconnects`);
    this.send(process, request);
  }

  private send(process: ServiceProcess, request: Request): void {
    this.scheduler.note(`${process.name} is asked: ${request.name}`);
    const { aborted, answer, failure } = this.invariants.asked(request, process);
    const command = { ...request.command, aborted: this.mutation.ignoresAborts === true ? () => false : aborted };
    this.scheduler.as(process, () => void Promise.resolve(process.claims.execute(command)).then(answer, failure));
  }

  private work(process: ServiceProcess, worker: WorkerName): void {
    if (process.busy.has(worker)) return;
    this.scheduler.note(`${process.name} turn of ${worker}`);
    this.scheduler.as(process, () => void process.turn(worker).catch((error) => this.invariants.outage(error)));
  }

  /** An operator has the gate loaded again, in any state. */
  private loadGate(process: ServiceProcess): void {
    this.scheduler.note(`${process.name} loads the gate`);
    this.scheduler.as(process, () => void process.keeper.load(SERIES).catch((error) => this.invariants.outage(error)));
  }

  private anyOrder(): StoredOrder | undefined {
    const orders = [...this.engines.postgres.store.tables.orders.values()];
    return orders[this.scheduler.pick(Math.max(1, orders.length))];
  }

  private cancel(process: ServiceProcess): void {
    const order = this.anyOrder();
    if (order === undefined) return;
    this.scheduler.note(`${process.name} cancels the order of ${order.buyer_id}`);
    this.scheduler.as(process, () => {
      void process.cancellations.execute(order.buyer_id, order.order_id).then(
        (result) => this.invariants.cancelled(order, result),
        (error: unknown) => this.invariants.outage(error),
      );
    });
  }

  private *timePasses(): Walk {
    const { stepsMs } = this.profile;
    const ms = stepsMs[this.scheduler.pick(stepsMs.length)]!;
    this.scheduler.advance(ms);
    if (ms <= SWEEP_AFTER_MS) return;
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
      case 'claim':
      case 'repeat':
      case 'loadGate':
      case 'cancel':
      case 'cutOrConnect':
      case 'crash':
        return this[act](process);
    }
  }

  private anyWorker(): WorkerName {
    const workers = this.profile.workers ?? WORKERS;
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
    this.invariants.died(process);
    this.processes.splice(this.processes.indexOf(process), 1);
    this.addProcess();
  }

  /** A replica is promoted, current or old. Some processes stay with the former primary until all faults end. */
  private failOver(): void {
    const { scheduler } = this;
    const lags = this.snapshot !== undefined && scheduler.chance(0.3);
    this.engines.redis = this.engines.redis.promoted(lags ? this.snapshot : undefined);
    const moved = this.processes.filter(() => scheduler.chance(0.5));
    for (const process of moved) process.connection.moveTo(this.engines.redis);
    scheduler.note(
      `a replica of Redis is promoted${lags ? ', an old one' : ''}; processes that use it: ${moved.map(({ name }) => name).join(', ') || 'none'}`,
    );
  }

  private restartRedis(snapshot?: ReturnType<ModelRedis['snapshot']>): void {
    this.engines.redis.restart(snapshot);
    for (const process of this.processes) process.connection.drop();
  }

  /** Loads a gate that a dead process left closed, as the conservation watch does. */
  private *repairGate(): Walk {
    const { postgres } = this.engines;
    if (!this.invariants.gateIsAbsent(this.engines.redis, SERIES)) return;
    const { epoch } = postgres.store.tables.series.get(SERIES)!;
    this.scheduler.note('the conservation watch loads the gate');
    const keeper = this.processes[0]!.keeper;
    this.scheduler.as(
      this.processes[0],
      () => void keeper.load(SERIES, BigInt(epoch)).catch((error) => this.invariants.outage(error)),
    );
    yield* this.drain();
  }
}
