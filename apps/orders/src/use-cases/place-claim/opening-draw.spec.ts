// Goal: turns come by buyer, whatever is asked how often, in one process or several. Method: the draw on the machine's
// clock with a short window; what is looked at is the order, not the time.
import { systemClock } from '@gravity/kernel';
import { OpeningDraw } from './opening-draw';

const WINDOW_MS = 1_000;
const ITEM = 'item-1';
const newDraw = (secret = 'a secret'): OpeningDraw =>
  new OpeningDraw({ windowMs: WINDOW_MS, secret, clock: systemClock });

/** The buyers in the order of their turns. */
async function turns(draw: OpeningDraw, asking: readonly string[], opensAtMs: number, item = ITEM): Promise<string[]> {
  const order: string[] = [];
  await Promise.all(
    asking.map(async (buyer) => {
      const turn = draw.turn(item, buyer, opensAtMs);
      if (!(turn instanceof Promise)) throw new Error(turn.code);
      await turn;
      order.push(buyer);
    }),
  );
  return order;
}

const buyers = Array.from({ length: 200 }, (_, number) => `b_${number}`);

it('calls up buyers in one order that no number of requests changes', async () => {
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
    turns(newDraw(), buyers, opensAtMs, 'item-2'),
    turns(newDraw('another secret'), buyers, opensAtMs),
  ]);
  expect(new Set(orders.map((order) => order.join())).size).toBe(3);
});

it('lets nobody wait when the window is over, and says so beforehand', async () => {
  const draw = newDraw();
  const nowMs = systemClock.nowMs();
  expect(draw.holds(nowMs, nowMs)).toBe(true);
  expect(draw.holds(nowMs - WINDOW_MS, nowMs)).toBe(false);
  expect(await turns(draw, buyers, nowMs - WINDOW_MS)).toEqual(buyers);
});

it('refuses a storm of one buyer, and nobody else', async () => {
  const draw = newDraw();
  const opensAtMs = systemClock.nowMs();
  const answers = Array.from({ length: 100 }, () => draw.turn(ITEM, 'b_storm', opensAtMs));
  const waiting = answers.filter((answer) => answer instanceof Promise);
  expect(waiting).toHaveLength(4);
  expect(answers.at(-1)).toMatchObject({ code: 'rate-limited', retryAfterSeconds: 1 });
  await turns(draw, ['b_other'], opensAtMs);
  await Promise.all(waiting);
});
