// Goal: more claims than may wait are refused at once, with a reason and the time to come again, and nothing is kept of
// them; those that wait are answered. Method: a service with a short queue, an item locked by somebody else, a rush.
import { eventually } from '@gravity/testing';
import { ClaimDecider } from '../src/decision/claim-decider';
import { ClaimsService } from './support/claims-service';

/** So many wait beside the statement of one claim that is under way, and that of another once the first is late. */
const QUEUED = 8;
const RUSH = 40;

let service: ClaimsService;

beforeAll(async () => {
  service = await ClaimsService.start('claims-overload', { CLAIMS_QUEUED: String(QUEUED), CLAIMS_PER_BATCH: '1' });
});

afterAll(async () => service?.stop());

it('refuses what does not fit into the queue, says when to come again, and takes it then', async () => {
  const sale = await service.onSale({ quotas: [RUSH] });
  const decider = service.services.app.get(ClaimDecider, { strict: false });
  const claim = (buyer: number): ReturnType<ClaimsService['claim']> =>
    service.claim(sale, `b_${buyer}`, { key: `key-of-buyer-${buyer}` });
  let rush: Promise<Awaited<ReturnType<typeof claim>>[]> = Promise.resolve([]);
  let refused = 0;
  await service.database.transaction(async (tx) => {
    await tx.query('select from round_items where item_id = $1 for update', [sale.itemIds[0]]);
    const all = Array.from({ length: RUSH }, async (_, buyer) => {
      const answer = await claim(buyer);
      if (answer.status === 503) refused += 1;
      return answer;
    });
    rush = Promise.all(all);
    // The others are refused while those that wait still wait.
    await eventually(() => expect(refused + decider.depth + 2).toBe(RUSH));
    expect(refused).toBeGreaterThanOrEqual(RUSH - QUEUED - 2);
    expect(refused).toBeLessThan(RUSH - QUEUED);
  });
  const answers = await rush;
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(RUSH - refused);
  const no = answers.filter(({ status }) => status !== 201);
  for (const { status, body, headers } of no) {
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'overloaded', '1']);
  }
  const again = answers.findIndex(({ status }) => status === 503);
  expect((await claim(again)).status).toBe(201);
});
