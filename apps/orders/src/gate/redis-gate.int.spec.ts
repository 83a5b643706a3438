// Goal: the gate never admits more than it was loaded with, answers a repeated claim as the first time, and returns
// units exactly once. Method: random commands against the scripts on a real Redis and against a model in memory.
import fc from 'fast-check';
import { monotonicMs, newUuid, sleep } from '@gravity/kernel';
import { engines } from '@gravity/testing';
import { GateConnection } from './gate-connection';
import { GATE_KEY_COUNT, gateKeys, SOLD_OUT_FLAG_MS } from './gate-scripts';
import { type GateAnswer, type GateInForce, RedisGate } from './redis-gate';

let connection: GateConnection;
let gate: RedisGate;

beforeAll(async () => {
  connection = new GateConnection({ url: engines().redisUrl });
  connection.start();
  while (connection.runId === undefined) await sleep(10);
  gate = new RedisGate(connection);
});

afterAll(() => connection.stop());

interface Loaded {
  readonly seriesId: string;
  readonly itemId: string;
}

async function load(options: {
  quota: number;
  perBuyer?: number;
  winLimit?: number;
  opensInMs?: number;
  openMs?: number;
  epoch?: number;
}): Promise<Loaded> {
  const { quota, perBuyer = 1, winLimit = 0, opensInMs = -1_000, openMs = 600_000, epoch = 1 } = options;
  const [seriesId, itemId] = [newUuid(), newUuid()];
  const keys = gateKeys(seriesId, itemId);
  const opensAt = Date.now() + opensInMs;
  await connection.run('gateLoadBegin', keys, epoch);
  await connection.run(
    'gateLoadChunk',
    keys,
    epoch,
    'item',
    600_000,
    'state',
    'open',
    'opensAt',
    opensAt,
    'closesAt',
    opensAt + openMs,
    'available',
    quota,
    'cooling',
    0,
    'coolUntil',
    0,
    'claimed',
    0,
    'perBuyer',
    perBuyer,
    'winLimit',
    winLimit,
    'admissions',
    0,
  );
  await connection.run('gateLoadChunk', keys, epoch, 'open', 600_000);
  return { seriesId, itemId };
}

const inForce = (epoch: bigint): GateInForce => ({ epoch, runId: connection.runId });

const claim = (at: Loaded, claimId: string, buyerId: string, quantity = 1, epoch = 1n): Promise<GateAnswer> =>
  gate.claim(at.seriesId, at.itemId, inForce(epoch), { claimId, buyerId, quantity });

it('names as many keys as it is declared with, all under one hash tag', () => {
  const keys = gateKeys('series', 'item');
  expect(keys).toHaveLength(GATE_KEY_COUNT);
  expect(keys.every((key) => key.includes('{series}'))).toBe(true);
});

it('admits exactly its units out of many claims, each asked twice', async () => {
  const at = await load({ quota: 100 });
  const ids = Array.from({ length: 1_000 }, () => newUuid());
  const answers = await Promise.all([...ids, ...ids].map((id) => claim(at, id, `b_${id}`)));
  const count = (kind: string): number => answers.filter((answer) => answer.kind === kind).length;
  expect(count('admitted')).toBe(100);
  expect(count('known')).toBe(100);
  expect(count('sold-out')).toBe(1_800);
  expect(await gate.view(at.seriesId, at.itemId)).toMatchObject({ available: 0, claimed: 100 });
});

it('agrees with a model for any sequence of claims and reports', async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('claim' as const),
      id: fc.nat(12),
      buyer: fc.nat(4),
      quantity: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      do: fc.constant('report' as const),
      id: fc.nat(12),
      verdict: fc.constantFrom('confirmed' as const, 'cancelled' as const, 'released' as const),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 2 }),
      fc.array(step, { maxLength: 25 }),
      async (quota, perBuyer, winLimit, steps) => {
        const at = await load({ quota, perBuyer, winLimit });
        const model = new GateModel(quota, perBuyer, winLimit);
        const startedAt = monotonicMs();
        for (const next of steps) {
          // The model's time stands still. On a machine that stalls, the rest is not compared.
          if (monotonicMs() - startedAt > SOLD_OUT_FLAG_MS / 2) return;
          // A claim id is made from its buyer, so one id never has two.
          if (next.do === 'claim') {
            const buyer = `b_${next.id % 5}`;
            expect((await claim(at, `c_${next.id}`, buyer, next.quantity)).kind).toBe(
              model.claim(`c_${next.id}`, buyer, next.quantity),
            );
          } else {
            await gate.report(at.seriesId, at.itemId, `c_${next.id}`, { epoch: 1n }, next.verdict);
            model.report(`c_${next.id}`, next.verdict);
          }
          const view = await gate.view(at.seriesId, at.itemId);
          expect(view).toMatchObject({ available: model.available + model.cooling, claimed: model.claimed });
          expect(view!.available + view!.claimed).toBe(quota);
        }
      },
    ),
    { numRuns: Number(process.env['GRAVITY_PROPERTY_RUNS'] ?? 150) },
  );
});

it('keeps returned units back for the life of a local flag, then offers them', async () => {
  let at: Loaded;
  let startedAt: number;
  let flag: Awaited<ReturnType<RedisGate['soldOut']>>;
  let meanwhile: GateAnswer['kind'];
  // A machine that stalls would let the flag's life pass between two lines.
  do {
    at = await load({ quota: 1 });
    await claim(at, 'first', 'b_1');
    startedAt = monotonicMs();
    await gate.report(at.seriesId, at.itemId, 'first', { epoch: 1n }, 'released');
    flag = await gate.soldOut(at.seriesId, at.itemId, inForce(1n), 100);
    meanwhile = (await claim(at, 'second', 'b_2')).kind;
  } while (monotonicMs() - startedAt > SOLD_OUT_FLAG_MS / 2);
  expect(flag!.flagMs).toBeLessThanOrEqual(SOLD_OUT_FLAG_MS);
  expect(flag!.buyers).toEqual(new Set(['b_1']));
  expect(meanwhile).toBe('sold-out');
  await sleep(SOLD_OUT_FLAG_MS + 20);
  expect((await claim(at, 'second', 'b_2')).kind).toBe('admitted');
  expect((await claim(at, 'first', 'b_1')).kind).toBe('known');
});

it('judges the window by its own clock', async () => {
  expect((await claim(await load({ quota: 1, opensInMs: 60_000 }), 'c', 'b')).kind).toBe('not-open');
  expect((await claim(await load({ quota: 1, opensInMs: -60_000, openMs: 1_000 }), 'c', 'b')).kind).toBe('closed');
});

it('tells a stop, another epoch and an unknown item apart, and still knows its claims', async () => {
  const at = await load({ quota: 2, epoch: 7 });
  expect(await claim(at, 'c', 'b', 1, 6n)).toEqual({ kind: 'other-epoch', epoch: 7n });
  expect((await claim(at, 'c', 'b', 1, 7n)).kind).toBe('admitted');
  await gate.setState(at.seriesId, at.itemId, 'stopped');
  expect((await claim(at, 'd', 'b2', 1, 7n)).kind).toBe('stopped');
  expect((await claim(at, 'c', 'b', 1, 7n)).kind).toBe('known');
  expect((await claim({ ...at, itemId: newUuid() }, 'c', 'b', 1, 7n)).kind).toBe('absent');
});

it('does not begin a load that is older than the present one', async () => {
  const at = await load({ quota: 2, epoch: 7 });
  expect(await connection.run('gateLoadBegin', gateKeys(at.seriesId, at.itemId), 7)).toEqual([0, '7']);
  expect(await connection.run('gateLoadChunk', gateKeys(at.seriesId, at.itemId), 6, 'open', 1_000)).toEqual([0]);
});

it('applies to an admission only reports of that very admission', async () => {
  const at = await load({ quota: 3, epoch: 7 });
  await claim(at, 'c', 'b', 1, 7n);
  const report = async (epoch: bigint, number: number): Promise<unknown> => {
    await gate.report(at.seriesId, at.itemId, 'c', { epoch, number }, 'cancelled');
    return (await gate.view(at.seriesId, at.itemId))!.claimed;
  };
  expect(await report(6n, 1)).toBe(1);
  expect(await report(7n, 2)).toBe(1);
  expect(await report(7n, 1)).toBe(0);
});

it('takes a return only for the gate of its epoch, and says so', async () => {
  const at = await load({ quota: 3, epoch: 7 });
  await claim(at, 'c', 'b', 1, 7n);
  const told = (epoch: bigint, itemId = at.itemId): Promise<boolean> =>
    gate.report(at.seriesId, itemId, 'c', { epoch }, 'released');
  expect(await told(8n)).toBe(false);
  expect(await told(7n, newUuid())).toBe(false);
  expect((await gate.view(at.seriesId, at.itemId))!.claimed).toBe(1);
  expect(await told(7n)).toBe(true);
  expect((await gate.view(at.seriesId, at.itemId))!.claimed).toBe(0);
});

it('lists claims whose decision was never reported', async () => {
  const at = await load({ quota: 5, perBuyer: 3 });
  await claim(at, 'reported', 'b|1', 2);
  await claim(at, 'lost', 'b|2', 3);
  await gate.report(at.seriesId, at.itemId, 'reported', { epoch: 1n }, 'confirmed');
  await sleep(5);
  expect(await gate.stalePending(at.seriesId, at.itemId, 1)).toEqual([
    { claimId: 'lost', buyerId: 'b|2', quantity: 3, admissionNumber: 2, epoch: 1n },
  ]);
});

/** The promises of the scripts, without Redis. Time stands still: nothing that cools becomes available. */
class GateModel {
  cooling = 0;
  claimed = 0;
  private readonly claims = new Map<string, { buyer: string; quantity: number }>();
  private readonly wins = new Map<string, number>();

  constructor(
    public available: number,
    private readonly perBuyer: number,
    private readonly winLimit: number,
  ) {}

  claim(id: string, buyer: string, quantity: number): GateAnswer['kind'] {
    const known = this.claims.get(id);
    if (known !== undefined) return known.quantity > 0 && known.quantity !== quantity ? 'other-quantity' : 'known';
    if (this.available < quantity) return 'sold-out';
    const units = [...this.claims.values()]
      .filter((other) => other.buyer === buyer)
      .reduce((sum, other) => sum + other.quantity, 0);
    if (units + quantity > this.perBuyer) return 'limit-reached';
    if (this.winLimit > 0 && (this.wins.get(buyer) ?? 0) >= this.winLimit) return 'already-won';
    this.claims.set(id, { buyer, quantity });
    this.wins.set(buyer, (this.wins.get(buyer) ?? 0) + 1);
    this.available -= quantity;
    this.claimed += quantity;
    return 'admitted';
  }

  report(id: string, verdict: 'confirmed' | 'cancelled' | 'released'): void {
    const known = this.claims.get(id);
    if (known === undefined || verdict === 'confirmed') return;
    if (known.quantity > 0) {
      this.cooling += known.quantity;
      this.claimed -= known.quantity;
      this.wins.set(known.buyer, this.wins.get(known.buyer)! - 1);
    }
    if (verdict === 'cancelled') this.claims.delete(id);
    else this.claims.set(id, { buyer: known.buyer, quantity: 0 });
  }
}
