// Goal: a process knows Postgres' time before it decides a claim, with any machine clock, and follows it.
import { openDatabase } from '@gravity/persistence';
import { eventually, freshDatabase } from '@gravity/testing';
import { ClockFollower } from './clock-follower';
import { ServerClock } from './server-clock';

it('is read without a claim, over and over', async () => {
  const fresh = await freshDatabase('clock');
  const database = openDatabase({ url: fresh.url, applicationName: 'server-clock-spec' });
  const clock = new ServerClock(database, { nowMs: () => 0 });
  const follower = new ClockFollower(clock, 20);
  expect(clock.isAnchored).toBe(false);
  expect(clock.nowMs()).toBe(0);
  follower.start();
  try {
    await eventually(async () => expect(database.statements.count).toBeGreaterThanOrEqual(3));
    const [row] = await database.query<{ ms: string }>(`select extract(epoch from clock_timestamp()) * 1000 as ms`);
    expect(Math.abs(clock.nowMs() - Number(row!.ms))).toBeLessThan(500);
  } finally {
    await follower.stop();
    await database.close();
    await fresh.drop();
  }
});

it('is read again soon when the first reading took long', async () => {
  const fresh = await freshDatabase('clock');
  const database = openDatabase({ url: fresh.url, applicationName: 'server-clock-spec', poolSize: 1 });
  const clock = new ServerClock(database, { nowMs: () => 0 });
  const follower = new ClockFollower(clock);
  // The first question waits this long before it is sent. Its answer is wrong by half of it.
  const busy = database.query('select pg_sleep(1)');
  follower.start();
  try {
    await busy;
    await eventually(async () => {
      const [row] = await database.query<{ ms: string }>(`select extract(epoch from clock_timestamp()) * 1000 as ms`);
      expect(Math.abs(clock.nowMs() - Number(row!.ms))).toBeLessThan(100);
    });
  } finally {
    await follower.stop();
    await database.close();
    await fresh.drop();
  }
});
