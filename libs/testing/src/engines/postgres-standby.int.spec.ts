import { Client } from 'pg';
import type { EngineHandle } from './engine';
import { freshPostgres } from './fresh';
import { synchronousStandby } from './postgres-standby';

async function ask(server: EngineHandle, text: string): Promise<unknown> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query<{ answer: unknown }>(text)).rows[0]?.answer;
  } finally {
    await client.end();
  }
}

describe('a synchronous standby', () => {
  it('has all committed data, and can be promoted', async () => {
    const primary = await freshPostgres();
    try {
      await ask(primary, 'create table kept as select generate_series(1, 1000) as n');
      const standby = await synchronousStandby(primary);
      await ask(primary, 'insert into kept values (1001)');
      await primary.kill();
      const promoted = await standby.promote();
      try {
        expect(Number(await ask(promoted, 'select count(*) as answer from kept'))).toBe(1_001);
        await ask(promoted, 'insert into kept values (1002)');
        await promoted.restart();
        expect(await ask(promoted, 'select max(n) as answer from kept')).toBe(1_002);
      } finally {
        await promoted.stop();
      }
    } finally {
      await primary.stop();
    }
  }, 120_000);
});
