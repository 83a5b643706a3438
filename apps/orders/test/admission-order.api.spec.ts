// Goal: the series chooses the order in which the claims of an opening come to the gate, and a series without the draw waits
// for nothing. Method: two rounds that open at the same time in one process with a long window, one series of each kind.
import { ClaimsService } from './support/claims-service';
import type { Sale } from './support/sale-fixture';

const WINDOW_MS = 4_000;
/** The first turns of a draw come after this part of the window. */
const FIRST_TURN_MS = (5 / 8) * WINDOW_MS;
/** The process knows the time of Postgres to some milliseconds. */
const EXACT_MS = 100;

let service: ClaimsService;

beforeAll(async () => {
  service = await ClaimsService.start('admission-order', { CLAIM_DRAW_MS: String(WINDOW_MS) });
});

afterAll(async () => service?.stop());

const keyOf = (sale: Sale, buyer: string): string => `${sale.roundId}-${buyer}`;

it('holds the claims of a drawn opening until their turns, and no others', async () => {
  // The processes' clock is read, and both rounds are known, before the openings.
  const before = await service.onSale({});
  expect((await service.claim(before, 'b_before')).status).toBe(201);
  const openings = { opensInSeconds: 0, quotas: [3] };
  const drawn = await service.onSale({ ...openings, admissionOrder: 'DRAW' });
  const first = await service.onSale(openings);
  const openedAt = performance.now();
  const sinceOpening = async <T>(answer: Promise<T>): Promise<{ answer: T; ms: number }> => ({
    answer: await answer,
    ms: performance.now() - openedAt,
  });
  const buyers = ['b_1', 'b_2', 'b_3', 'b_4', 'b_5'];
  const [atOnce, inTurn] = await Promise.all(
    [first, drawn].map((sale) =>
      Promise.all(buyers.map((buyer) => sinceOpening(service.claim(sale, buyer, { key: keyOf(sale, buyer) })))),
    ),
  );
  for (const heard of [atOnce!, inTurn!]) {
    expect(heard.map(({ answer }) => answer.status).sort()).toEqual([201, 201, 201, 409, 409]);
  }
  expect(Math.max(...atOnce!.map(({ ms }) => ms))).toBeLessThan(FIRST_TURN_MS - EXACT_MS);
  expect(Math.min(...inTurn!.map(({ ms }) => ms))).toBeGreaterThan(FIRST_TURN_MS - EXACT_MS);
  // A repeated request of an accepted claim gets its order again.
  const winner = buyers[inTurn!.findIndex(({ answer }) => answer.status === 201)]!;
  const won = inTurn!.find(({ answer }) => answer.status === 201)!.answer;
  expect((await service.claim(drawn, winner, { key: keyOf(drawn, winner) })).body).toEqual(won.body);
});

it('waits for nothing once the window is over', async () => {
  const long = await service.onSale({ admissionOrder: 'DRAW', opensInSeconds: -WINDOW_MS / 1_000 - 1 });
  const startedAt = performance.now();
  expect((await service.claim(long, 'b_late')).status).toBe(201);
  expect(performance.now() - startedAt).toBeLessThan(WINDOW_MS / 4);
});
