import { engines, uniquePrefix } from '@gravity/testing';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { migrate } from './migrate';

class First1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table first (id int)');
    await runner.query('insert into first values (1)');
  }
  async down(): Promise<void> {}
}

class Second1700000000002 implements MigrationInterface {
  readonly transaction = false;
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index concurrently first_id on first (id)');
  }
  async down(): Promise<void> {}
}

class Broken1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table half (id int)');
    await runner.query('select 1/0');
  }
  async down(): Promise<void> {}
}

describe('migrate', () => {
  const name = `migrate_${uniquePrefix().replaceAll('.', '')}`;
  const url = new URL(engines().databaseUrl);
  url.pathname = `/${name}`;

  const rows = async (text: string, on: string = url.toString()): Promise<unknown[]> => {
    const client = new Client({ connectionString: on });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };

  afterAll(() => rows(`drop database if exists ${name} with (force)`, engines().databaseUrl));

  it('creates the database and applies each migration once, with many callers', async () => {
    const options = { url: url.toString(), service: 'spec', migrations: [First1700000000001, Second1700000000002] };
    const results = await Promise.all([migrate(options), migrate(options), migrate(options)]);
    expect(results.flatMap(({ applied }) => applied)).toEqual(['First1700000000001', 'Second1700000000002']);
    expect(await rows('select * from first')).toEqual([{ id: 1 }]);
    expect(await migrate(options)).toEqual({ applied: [] });
  });

  it('leaves nothing of a migration that fails, and keeps what went before', async () => {
    const options = { url: url.toString(), service: 'spec', migrations: [First1700000000001, Broken1700000000003] };
    await expect(migrate(options)).rejects.toThrow('division by zero');
    expect(await rows(`select to_regclass('half') as half, to_regclass('first')::text as first`)).toEqual([
      { half: null, first: 'first' },
    ]);
  });
});
