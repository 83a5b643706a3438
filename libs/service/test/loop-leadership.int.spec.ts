// Goal: of the loops of several processes on one database exactly one runs its turns; another takes over when its
// session ends, and the signal of the former leader is aborted at once. Method: two loops on the real Postgres, whose
// sessions are ended by the server.
import { monotonicMs, sleep } from '@gravity/kernel';
import { type Database, openDatabase } from '@gravity/persistence';
import { renderMetrics } from '@gravity/observability';
import { eventually, freshDatabase, type FreshDatabase, TcpProxy } from '@gravity/testing';
import { Logger } from '@nestjs/common';
import { Loop } from '../src';

const TAKEOVER_WITHIN_MS = 2_500;
const LONG_MS = 600_000;

/** Holds each turn until it is aborted, or ends it at once. */
class Probe extends Loop {
  turns = 0;
  aborted = 0;
  inTurn = false;

  constructor(
    private readonly held: boolean,
    pauseMs = 20,
  ) {
    super({ name: 'probe', pauseMs, oncePerDatabase: true });
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    this.turns += 1;
    this.inTurn = true;
    if (this.held) await sleep(LONG_MS, signal);
    if (signal.aborted) this.aborted += 1;
    this.inTurn = false;
  }
}

let fresh: FreshDatabase;
let database: Database;
let loops: Probe[] = [];

beforeAll(async () => {
  Logger.overrideLogger(false);
  fresh = await freshDatabase('loop leadership');
  database = openDatabase({ url: fresh.url, applicationName: 'spec', poolSize: 2 });
});

afterEach(async () => {
  await Promise.all(loops.map((loop) => loop.stop()));
  loops = [];
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

function start(...probes: Probe[]): void {
  loops = probes;
  for (const probe of probes) probe.start({ service: 'spec', database });
}

/** Ends the session of the leader from the server's side. */
async function endLeadersSession(): Promise<void> {
  const ended = await database.query<{ ended: boolean }>(
    `select pg_terminate_backend(pid) as ended from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and granted and datname = current_database()`,
  );
  expect(ended).toEqual([{ ended: true }]);
}

async function leaderAmong(probes: readonly Probe[]): Promise<Probe> {
  return eventually(async () => {
    const inTurn = probes.filter((probe) => probe.inTurn);
    expect(inTurn).toHaveLength(1);
    return inTurn[0]!;
  });
}

it('runs the turns in one process', async () => {
  const [one, other] = [new Probe(false), new Probe(false)];
  start(one, other);
  await eventually(async () => expect(one.turns + other.turns).toBeGreaterThan(5));
  await sleep(1_500);
  expect([one.turns, other.turns].filter((turns) => turns === 0)).toHaveLength(1);
});

it('aborts the running turn when the session is lost, and another process takes over', async () => {
  const probes = [new Probe(true), new Probe(true)];
  start(...probes);
  const leader = await leaderAmong(probes);
  const follower = probes.find((probe) => probe !== leader)!;
  const endedMs = monotonicMs();
  await endLeadersSession();
  await eventually(async () => expect(leader.aborted).toBe(1));
  // Either process may lead next, also the former leader, never both.
  await leaderAmong(probes);
  expect(monotonicMs() - endedMs).toBeLessThan(TAKEOVER_WITHIN_MS);
  expect(probes.filter(({ inTurn }) => inTurn)).toHaveLength(1);
  expect(leader.turns + follower.turns).toBe(2);
});

it('takes over within about two seconds after the end of the leader', async () => {
  const [first, second] = [new Probe(true), new Probe(true)];
  start(first);
  await leaderAmong([first]);
  start(second);
  await sleep(300);
  expect(second.turns).toBe(0);
  const goneMs = monotonicMs();
  await first.stop();
  await leaderAmong([second]);
  expect(monotonicMs() - goneMs).toBeLessThan(TAKEOVER_WITHIN_MS);
  expect(first.aborted).toBe(1);
});

it('ends a pause when the leadership is lost, and stops while it stands by', async () => {
  const [first, second] = [new Probe(false, LONG_MS), new Probe(false, LONG_MS)];
  start(first);
  await eventually(async () => expect(first.turns).toBe(1));
  start(second);
  await sleep(200);
  await second.stop();
  expect(second.turns).toBe(0);
  await endLeadersSession();
  await eventually(async () => expect(first.turns).toBe(2));
  await first.stop();
});

it('gives way when its link hangs, and stops all the same', async () => {
  const proxy = await TcpProxy.start({ targetPort: Number(new URL(fresh.url).port) });
  const behind = openDatabase({ url: proxy.through(fresh.url), applicationName: 'spec', poolSize: 1 });
  const [cutOff, other] = [new Probe(true), new Probe(true)];
  loops = [cutOff, other];
  try {
    cutOff.start({ service: 'spec', database: behind });
    await leaderAmong([cutOff]);
    other.start({ service: 'spec', database });
    proxy.hold();
    await eventually(async () => expect([cutOff.aborted, other.inTurn]).toEqual([1, true]), { withinMs: 10_000 });
    expect(cutOff.inTurn).toBe(false);
    const stoppingMs = monotonicMs();
    await cutOff.stop();
    expect(monotonicMs() - stoppingMs).toBeLessThan(8_000);
  } finally {
    await proxy.close();
    await behind.close();
  }
}, 60_000);

it('counts turns, failures and the last success', async () => {
  class Failing extends Loop {
    turns = 0;

    constructor() {
      super({ name: 'failing', pauseMs: 1, backoffBaseMs: 1, backoffMaxMs: 2 });
    }

    protected override async turn(signal: AbortSignal): Promise<void> {
      this.turns += 1;
      if (this.turns === 1) throw new Error('no database');
      if (this.turns > 3) await sleep(LONG_MS, signal);
    }
  }
  const loop = new Failing();
  loop.start({ service: 'spec' });
  await eventually(async () => expect(loop.turns).toBe(4));
  const { body } = await renderMetrics();
  await loop.stop();
  expect(body).toContain('loop_turns_total{service="spec",loop="failing"} 4');
  expect(body).toContain('loop_failures_total{service="spec",loop="failing"} 1');
  expect(body).toContain('loop_turn_seconds_count{service="spec",loop="failing"} 3');
  expect(body).toMatch(/loop_last_success_timestamp_seconds\{service="spec",loop="failing"\} \d{10}/);
});
