// Goal: a chaos run finds a broken promise. Method: real runs with a fault that is put into the database, because no service
// has a switch for it.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@gravity/testing';
import { kindOf } from './faults';
import { type RunOptions, type RunReport, runSchedule } from './run';
import type { Fault, Schedule } from './schedule';
import type { World } from './world';

const noFaults: Schedule = { seed: 20_261, durationMs: 3_000, nodes: 2, faults: [] };
const kill: Fault = { id: 1, kind: 'postgres-kill', atMs: 0, forMs: 300, node: 0, strength: 0.5 };

/** A promise that stays broken needs no long wait. */
const broken = (schedule: Schedule, meanwhile: RunOptions['meanwhile']): Promise<RunReport> =>
  runSchedule(schedule, {
    log: () => undefined,
    restWithinMs: 8_000,
    agreeWithinMs: 3_000,
    publishedWithinMs: 5_000,
    ...(meanwhile ? { meanwhile } : {}),
  });

const promisesOf = ({ violations }: RunReport): string[] => violations.map(({ promise }) => promise);

async function deleteAnOrder({ cluster: { sql } }: World): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await sql.query(
        `delete from orders o where order_id = (select order_id from orders p where not exists
           (select 1 from payment_intents i where i.order_id = p.order_id) limit 1) returning order_id`,
      );
      if (rows.length !== 1) throw new Error('no order yet');
    },
    { withinMs: 5_000 },
  );
}

/** New sessions commit without waiting for the disk; open sessions are ended. */
async function acknowledgeBeforeDurable({ cluster: { sql } }: World): Promise<void> {
  await sql.query(`alter system set wal_writer_delay = '10s'`);
  await sql.query(`alter system set wal_writer_flush_after = '1GB'`);
  await sql.query('select pg_reload_conf()');
  await sql.query('alter role current_user set synchronous_commit = off');
  await sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
}

describe('the judge of a chaos run', () => {
  it('reports an acknowledged order that is gone, and the counter that still holds its unit', async () => {
    const report = await broken(noFaults, async (world, buyers) => {
      await buyers.history.moreAccepted(20);
      await deleteAnOrder(world);
    });
    expect(report.verdict).toBe('broken');
    expect(report.violations.filter(({ promise }) => promise === 'P2')).toEqual([
      { promise: 'P2', what: expect.stringContaining('which does not exist') },
    ]);
    expect(promisesOf(report)).toContain('P1');
  }, 180_000);

  it('reports commits that were acknowledged before they were durable, once Postgres is killed', async () => {
    const report = await broken(noFaults, async (world, buyers) => {
      await acknowledgeBeforeDurable(world);
      await buyers.history.moreAccepted(20);
      // The kill follows the answers directly. A planned kill could come before them on a busy machine.
      const heal = await kindOf(kill.kind).inject(world, kill);
      await sleep(kill.forMs);
      await heal();
    });
    expect(report.verdict).toBe('broken');
    expect(promisesOf(report)).toContain('P2');
  }, 180_000);
});
