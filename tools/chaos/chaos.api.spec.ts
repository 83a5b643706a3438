// The rig itself, for real: a short mix of faults breaks no promise, and a judge who is shown a broken one says so.
import { eventually } from '@gravity/testing';
import { FAULT_KINDS } from './faults';
import { runSchedule } from './run';
import { planSchedule, type Schedule } from './schedule';

const SEED = 20_261;
const log = (): void => undefined;

const calm: Schedule = { seed: SEED, durationMs: 6_000, nodes: 2, faults: [] };

describe('chaos', () => {
  it('breaks no promise by half a minute of all kinds of faults', async () => {
    const report = await runSchedule(planSchedule(SEED, 30_000, FAULT_KINDS, 2), { log });
    expect(report.violations).toEqual([]);
    expect(Object.keys(report.struck).length).toBeGreaterThan(5);
    expect(report.heard['ok']).toBeGreaterThan(20);
  }, 300_000);

  it('reports an acknowledged order that is gone, and a unit that was sold behind the counters', async () => {
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
    expect(report.ok).toBe(false);
    expect(report.violations.filter(({ promise }) => promise === 'P2')).toEqual([
      { promise: 'P2', what: expect.stringContaining('which does not exist') },
    ]);
    expect(report.violations.map(({ promise }) => promise)).toContain('P1');
  }, 180_000);
});
