// The judge of a chaos run must itself be able to fail: a real run in which nothing breaks but an acknowledged order is
// taken away behind everybody's back.
import { eventually } from '@gravity/testing';
import { runSchedule } from './run';
import type { Schedule } from './schedule';

const SEED = 20_261;
const log = (): void => undefined;

const calm: Schedule = { seed: SEED, durationMs: 6_000, nodes: 2, faults: [] };

describe('the judge of a chaos run', () => {
  it('reports an acknowledged order that is gone, and the counter that still holds its unit', async () => {
    const report = await runSchedule(calm, {
      log,
      restWithinMs: 20_000,
      agreeWithinMs: 5_000,
      meanwhile: async (world, crowd) => {
        await crowd.history.moreAccepted(20);
        await eventually(
          async () => {
            const { rows } = await world.cluster.sql.query(
              `delete from orders o where order_id = (select order_id from orders p where not exists
                 (select 1 from payment_intents i where i.order_id = p.order_id) limit 1) returning order_id`,
            );
            if (rows.length !== 1) throw new Error('no order to take away yet');
          },
          { withinMs: 5_000 },
        );
      },
    });
    expect(report.verdict).toBe('broken');
    expect(report.violations.filter(({ promise }) => promise === 'P2')).toEqual([
      { promise: 'P2', what: expect.stringContaining('which does not exist') },
    ]);
    expect(report.violations.map(({ promise }) => promise)).toContain('P1');
  }, 180_000);
});
