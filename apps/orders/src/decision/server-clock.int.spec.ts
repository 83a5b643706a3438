// Goal: a process knows Postgres' time before it decides a claim, whatever its machine's clock shows, and follows it.
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
