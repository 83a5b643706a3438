// Goal: the model of Redis behaves like the scripts of the gate. Method: the same random commands to a real Redis and to the
// model; every answer and the complete state after it are compared.
import fc from 'fast-check';
import { monotonicMs, newUuid, sleep } from '@gravity/kernel';
import { engines } from '@gravity/testing';
import { GateConnection, type GateScript } from '../../apps/orders/src/gate/gate-connection';
import { gateKeys, SOLD_OUT_FLAG_MS } from '../../apps/orders/src/gate/gate-scripts';
import { ModelRedis } from '../../tools/simulate/model-redis';

let connection: GateConnection;

beforeAll(async () => {
  connection = new GateConnection({ url: engines().redisUrl });
  connection.start();
  while (connection.runId === undefined) await sleep(10);
});

afterAll(() => connection.stop());

const claimed = fc.record({ id: fc.nat(7), quantity: fc.integer({ min: 1, max: 3 }) });
const report = fc.record({
  id: fc.nat(7),
  admission: fc.constantFrom('1|', '2|', '1|1', '1|2', '2|1', '2|2', '3|1'),
  verdict: fc.constantFrom('confirmed', 'cancelled', 'released'),
});
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      epoch: fc.constantFrom(1, 1, 1, 2),
      of: fc.array(claimed, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('settle' as const), of: fc.array(report, { minLength: 1, maxLength: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('load' as const),
      epoch: fc.integer({ min: 1, max: 3 }),
      opens: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('state' as const), state: fc.constantFrom('open', 'stopped') }) },
  { weight: 2, arbitrary: fc.constantFrom({ do: 'soldOut' as const }, { do: 'stale' as const }) },
);

type Call = readonly [GateScript, readonly (string | number)[]];

function callsOf(
  next: typeof command extends fc.Arbitrary<infer T> ? T : never,
  terms: { quota: number; perBuyer: number; winLimit: number },
  now: number,
): Call[] {
  switch (next.do) {
    case 'claim':
      return [
        [
          'gateClaim',
          [
            String(next.epoch),
            JSON.stringify(next.of.flatMap(({ id, quantity }) => [`c_${id}`, `b|${id % 3}`, quantity])),
          ],
        ],
      ];
    case 'settle':
      return [
        [
          'gateSettle',
          [JSON.stringify(next.of.flatMap(({ id, admission, verdict }) => [`c_${id}`, admission, verdict]))],
        ],
      ];
    case 'state':
      return [['gateSetState', [next.state]]];
    case 'soldOut':
      return [['gateSoldOut', ['1', 100]]];
    case 'stale':
      return [['gateStalePending', [-10_000, 100]]];
    case 'load':
      return [
        ['gateLoadBegin', [next.epoch]],
        [
          'gateLoadChunk',
          [
            next.epoch,
            'item',
            600_000,
            'state',
            'open',
            'opensAt',
            now - 1_000,
            'closesAt',
            now + 600_000,
            'available',
            terms.quota,
            'cooling',
            0,
            'coolUntil',
            0,
            'claimed',
            1,
            'perBuyer',
            terms.perBuyer,
            'winLimit',
            terms.winLimit,
            'admissions',
            0,
          ],
        ],
        ['gateLoadChunk', [next.epoch, 'claims', 600_000, 'c_7', '1|b|1|0', 'b|1', 1]],
        ['gateLoadChunk', [next.epoch, 'wins', 600_000, 'b|1', 1]],
        ...(next.opens ? [['gateLoadChunk', [next.epoch, 'open', 600_000]] as const] : []),
      ];
  }
}

/** The reply without parts that depend on the exact millisecond: times, remaining lifetimes, and the order of ties. */
function comparable(script: GateScript, reply: readonly (string | number)[]): unknown {
  const texts = reply.map(String);
  if (script === 'gateClaim' && texts.length > 5)
    return [texts[0], texts[2], texts[3], texts[4] === '0', ...texts.slice(5)];
  if (script === 'gateSoldOut') return [texts[0] === '0', ...texts.slice(1).sort()];
  if (script === 'gateStalePending') return [...texts].sort();
  if (script === 'gateView') return [...texts.slice(0, 4), ...texts.slice(4).sort()];
  return texts;
}

it('agrees with the scripts on a real Redis', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        quota: fc.integer({ min: 0, max: 5 }),
        perBuyer: fc.integer({ min: 1, max: 4 }),
        winLimit: fc.integer({ min: 0, max: 2 }),
      }),
      fc.array(command, { maxLength: 25 }),
      async (terms, commands) => {
        const keys = gateKeys(newUuid(), newUuid());
        const model = new ModelRedis(() => Date.now());
        const startedAt = monotonicMs();
        const first = { do: 'load' as const, epoch: 1, opens: true };
        for (const call of [first, ...commands].flatMap((next) => callsOf(next, terms, Date.now()))) {
          // No unit may cool down meanwhile, because the two clocks differ by milliseconds.
          if (monotonicMs() - startedAt > SOLD_OUT_FLAG_MS / 2) return;
          for (const [script, args] of [call, ['gateView', []] as Call]) {
            const real = await connection.run(script, keys, ...args);
            expect(comparable(script, model.run(script, keys, args))).toEqual(comparable(script, real));
            compared += 1;
          }
        }
      },
    ),
    { numRuns: Number(process.env['GRAVITY_PROPERTY_RUNS'] ?? 150) },
  );
  expect(compared).toBeGreaterThan(300);
});

it('offers cooled units like Redis', async () => {
  const keys = gateKeys(newUuid(), newUuid());
  const model = new ModelRedis(() => Date.now());
  const run = async ([script, args]: Call): Promise<void> => {
    const real = await connection.run(script, keys, ...args);
    expect(comparable(script, model.run(script, keys, args))).toEqual(comparable(script, real));
  };
  const terms = { quota: 1, perBuyer: 2, winLimit: 0 };
  for (const call of callsOf({ do: 'load', epoch: 1, opens: true }, terms, Date.now())) await run(call);
  const claim = (id: number): Call => callsOf({ do: 'claim', epoch: 1, of: [{ id, quantity: 1 }] }, terms, 0)[0]!;
  await run(claim(1));
  await run(callsOf({ do: 'settle', of: [{ id: 1, admission: '1|', verdict: 'released' }] }, terms, 0)[0]!);
  await run(claim(2));
  await sleep(SOLD_OUT_FLAG_MS + 50);
  await run(claim(2));
  await run(['gateView', []]);
  expect(await connection.run('gateView', keys)).toEqual(expect.arrayContaining(['c_2', '1|b|2|2']));
});
