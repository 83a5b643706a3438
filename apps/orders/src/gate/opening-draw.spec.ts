// Goal: turns come by buyer, with any number of requests, in one process or several. Method: the draw on the machine's
// clock with a short window; the order is compared, not the time. The agreement of processes is specified in
// opening-lots.int.spec.ts; here they are alone, or given the result.
import { systemClock } from '@gravity/kernel';
import type { DrawnItem } from './opening-lots';
import { type DrawOutcome, type Lots, OpeningDraw, type OpeningDrawOptions } from './opening-draw';

const WINDOW_MS = 1_000;
const ITEM: DrawnItem = { seriesId: 'series-1', itemId: 'item-1', epoch: 1n, admission: 'GATE' };
const drawing = (draw: Lots['draw']): Lots => ({ prepare: () => Promise.resolve(), draw });
const newDraw = (options: Partial<OpeningDrawOptions> = {}): OpeningDraw =>
  new OpeningDraw({
    windowMs: WINDOW_MS,
    secret: 'a secret',
    clock: systemClock,
    lots: drawing(() => Promise.resolve(undefined)),
    ...options,
  });

/** The buyers in the order of their turns. */
async function turns(draw: OpeningDraw, asking: readonly string[], opensAtMs: number, item = ITEM): Promise<string[]> {
  const order: string[] = [];
  await Promise.all(
    asking.map(async (buyer) => {
      const turn = draw.turn(item, buyer, opensAtMs);
      if (!(turn instanceof Promise)) throw new Error(`no turn: ${turn?.code}`);
      await turn;
      order.push(buyer);
    }),
  );
  return order;
}

const buyers = Array.from({ length: 200 }, (_, number) => `b_${number}`);

it('serves buyers in one order that no number of requests changes', async () => {
  const opensAtMs = systemClock.nowMs();
  const [first, second, storm] = await Promise.all([
    turns(newDraw(), buyers, opensAtMs),
    turns(newDraw(), [...buyers].reverse(), opensAtMs),
    turns(newDraw(), [...buyers, 'b_7', 'b_7', 'b_7'], opensAtMs),
  ]);
  expect(second).toEqual(first);
  expect([...new Set(storm)]).toEqual(first);
  expect(first).not.toEqual(buyers);
});

it('draws anew for each item and each secret', async () => {
  const opensAtMs = systemClock.nowMs();
  const orders = await Promise.all([
    turns(newDraw(), buyers, opensAtMs),
    turns(newDraw(), buyers, opensAtMs, { ...ITEM, itemId: 'item-2' }),
    turns(newDraw({ secret: 'another secret' }), buyers, opensAtMs),
  ]);
  expect(new Set(orders.map((order) => order.join())).size).toBe(3);
});

it('holds claims for the length of the window, and none afterwards', async () => {
  const draw = newDraw();
  const nowMs = systemClock.nowMs();
  expect(draw.turn(ITEM, 'b_late', nowMs - WINDOW_MS)).toBeUndefined();
  expect(await turns(draw, buyers, nowMs - WINDOW_MS / 2)).toHaveLength(buyers.length);
});

it('refuses a flood of one buyer, and no other buyer', async () => {
  const draw = newDraw();
  const opensAtMs = systemClock.nowMs();
  const answers = Array.from({ length: 100 }, () => draw.turn(ITEM, 'b_storm', opensAtMs));
  const waiting = answers.filter((answer) => answer instanceof Promise);
  expect(waiting).toHaveLength(4);
  expect(answers.at(-1)).toMatchObject({ code: 'rate-limited', retryAfterSeconds: 1 });
  await turns(draw, ['b_other'], opensAtMs);
  await Promise.all(waiting);
});

it('enters each rank once, lowest first, and serves drawn buyers before the others, in one order', async () => {
  let entered: readonly number[] = [];
  const outcomes: DrawOutcome[] = [];
  const lots = async (_: DrawnItem, ranks: readonly number[]): Promise<number> => (entered = ranks)[4]!;
  const draw = newDraw({ lots: drawing(lots), onOutcome: (outcome) => void outcomes.push(outcome) });
  const opensAtMs = systemClock.nowMs();
  const [order, alone] = await Promise.all([
    turns(draw, [...buyers, 'b_7', 'b_7'], opensAtMs),
    turns(newDraw(), buyers, opensAtMs),
  ]);
  expect(entered).toEqual([...new Set(entered)].sort((a, b) => a - b));
  expect(entered).toHaveLength(buyers.length);
  expect([...new Set(order)]).toEqual(alone);
  expect(outcomes).not.toContain('alone');
  expect(outcomes).toHaveLength(1);
});

it('goes on alone when the others cannot be asked, or answer too late', async () => {
  const outcomes: DrawOutcome[] = [];
  const onOutcome = (outcome: DrawOutcome): void => void outcomes.push(outcome);
  const opensAtMs = systemClock.nowMs();
  const orders = await Promise.all(
    [() => Promise.reject(new Error('Postgres is away')), () => new Promise<never>(() => undefined)].map((lots) =>
      turns(newDraw({ lots: drawing(lots), onOutcome }), buyers, opensAtMs),
    ),
  );
  expect(orders[0]).toEqual(await turns(newDraw(), buyers, systemClock.nowMs()));
  expect(orders[1]).toEqual(orders[0]);
  expect(outcomes).toEqual(['alone', 'alone']);
});

it('asks the others again for a buyer who comes after all turns', async () => {
  const asked: number[] = [];
  const lots = async (_: DrawnItem, ranks: readonly number[]): Promise<number> => asked.push(ranks.length) * 2 ** 48;
  const draw = newDraw({ lots: drawing(lots) });
  const opensAtMs = systemClock.nowMs();
  await turns(draw, ['b_1'], opensAtMs);
  await turns(draw, ['b_2'], opensAtMs);
  expect(asked).toEqual([1, 1]);
});
