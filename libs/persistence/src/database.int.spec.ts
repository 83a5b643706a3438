import { freshDatabase, type FreshDatabase, freePort, TcpProxy } from '@gravity/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type Database, openDatabase } from './database';
import { classifyDatabaseError } from './database-error';

@Entity('note')
class Note {
  @PrimaryColumn({ type: 'int' }) id: number;
  @Column({ type: 'text' }) body: string;
}

/** The error of a promise that must reject. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('did not reject');
    },
    (error: unknown) => error,
  );
}

describe('Database', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let proxy: TcpProxy;

  beforeAll(async () => {
    fresh = await freshDatabase('persistence');
    proxy = await TcpProxy.start({ targetPort: Number(new URL(fresh.url).port) });
    database = openDatabase({
      url: proxy.through(fresh.url),
      applicationName: 'spec',
      poolSize: 4,
      connectionTimeoutMs: 1_000,
      entities: [Note],
    });
    await database.query('create table note (id int primary key, body text not null)');
  });

  beforeEach(() => database.query('truncate note'));

  afterAll(async () => {
    await database.close();
    await proxy.close();
    await fresh.drop();
  });

  it('reads int8 as number or bigint, never rounded', async () => {
    const [row] = await database.query(
      'select 7::bigint as small, 9007199254740993 as large, array[1, 2]::bigint[] as list',
    );
    expect(row).toEqual({ small: 7, large: 9_007_199_254_740_993n, list: [1, 2] });
  });

  it('prepares named statements', async () => {
    await database.query('select $1::int as n', [1], 'spec-named');
    const names = await database.query('select name from pg_prepared_statements');
    expect(names).toEqual([{ name: 'spec-named' }]);
  });

  it('plans a named statement for the table as it is, not as it was', async () => {
    await database.query(`insert into note select n, 'few' from generate_series(1, 30) n`);
    await database.query('analyze note');
    const ask = (): Promise<unknown> => database.query('select body from note where id = $1', [7], 'spec-find');
    for (let times = 0; times < 10; times += 1) await ask();
    await database.query(`insert into note select n, 'many' from generate_series(31, 20000) n`);
    const plan = await database.query<Record<string, string>>('explain execute "spec-find" (7)');
    expect(Object.values(plan[0]!)[0]).toContain('Index Scan using note_pkey');
  });

  it('commits work, rolls back on an exception, counts BEGIN and COMMIT', async () => {
    const before = database.statements.count;
    await database.transaction((tx) => tx.query(`insert into note values (1, 'one')`));
    expect(database.statements.count - before).toBeLessThanOrEqual(3 + 4); // the first transaction also initializes TypeORM
    const again = database.statements.count;
    await failureOf(
      database.transaction(async (tx) => {
        await tx.query(`insert into note values (2, 'two')`);
        throw new Error('no');
      }),
    );
    expect(database.statements.count - again).toBe(3);
    expect(await database.query('select id from note')).toEqual([{ id: 1 }]);
  });

  it('runs TypeORM in the same transaction', async () => {
    await failureOf(
      database.transaction(async (tx) => {
        await tx.manager.getRepository(Note).insert({ id: 5, body: 'five' });
        expect(await tx.query('select body from note where id = 5')).toEqual([{ body: 'five' }]);
        await tx.manager.transaction((inner) => inner.getRepository(Note).insert({ id: 6, body: 'six' }));
        throw new Error('no');
      }),
    );
    expect(await database.query('select id from note')).toEqual([]);
    await database.transaction((tx) => tx.manager.getRepository(Note).insert({ id: 7, body: 'seven' }));
    expect(await (await database.ready()).getRepository(Note).count()).toBe(1);
  });

  it('refuses statements after the end, and a commit over an ignored failure', async () => {
    let leaked: Parameters<Parameters<Database['transaction']>[0]>[0] | undefined;
    await database.transaction(async (tx) => {
      leaked = tx;
    });
    await expect(leaked!.query('select 1')).rejects.toThrow('has ended');
    expect(() => leaked!.manager).toThrow('after its end');
    // Sent before the end and executed behind COMMIT, it would be a transaction of its own.
    let late: Promise<unknown> | undefined;
    await database.transaction(async (tx) => {
      const { manager } = tx;
      await manager.getRepository(Note).insert({ id: 1, body: 'in time' });
      setImmediate(() => {
        late = manager.getRepository(Note).insert({ id: 2, body: 'late' });
        late.catch(() => undefined);
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    await expect(late).rejects.toThrow();
    expect(await database.query('select id from note')).toEqual([{ id: 1 }]);
    const ignored = database.transaction(async (tx) => {
      await tx.query('select 1/0').catch(() => undefined);
    });
    await expect(ignored).rejects.toThrow('nothing was committed');
  });

  it('repeats a deadlocked transaction on request', async () => {
    await database.query(`insert into note values (1, 'a'), (2, 'b')`);
    let meet = (): void => undefined;
    const bothHoldOne = new Promise<void>((resolve) => {
      meet = resolve;
    });
    let attempts = 0;
    const lockBoth = (first: number, second: number): Promise<void> =>
      database.transaction(
        async (tx) => {
          await tx.query('update note set body = body where id = $1', [first]);
          attempts += 1;
          if (attempts >= 2) meet();
          await bothHoldOne;
          await tx.query('update note set body = body where id = $1', [second]);
        },
        { retries: 3 },
      );
    await Promise.all([lockBoth(1, 2), lockBoth(2, 1)]);
    expect(attempts).toBeGreaterThan(2);
  });

  it('classifies what the server refuses', async () => {
    await database.query(`insert into note values (1, 'a')`);
    const kind = async (text: string): Promise<string> => classifyDatabaseError(await failureOf(database.query(text)));
    expect(await kind(`insert into note values (1, 'a')`)).toBe('conflict');
    expect(await kind('insert into note values (2, null)')).toBe('bug');
    expect(await kind('selec')).toBe('bug');
    expect(await kind(`set statement_timeout = 20; select pg_sleep(5)`)).toBe('overloaded');
    const byOrm = database.transaction((tx) => tx.manager.getRepository(Note).insert({ id: 1, body: 'a' }));
    expect(classifyDatabaseError(await failureOf(byOrm))).toBe('conflict');
  });

  it('knows a commit of unknown outcome from one that never was', async () => {
    const afterCommit = proxy.cutAt({ at: 'reply', match: 'COMMIT' });
    const lostReply = database.transaction((tx) => tx.query(`insert into note values (1, 'kept')`));
    expect(classifyDatabaseError(await failureOf(lostReply))).toBe('unknown-outcome');
    await afterCommit;
    expect(await database.query('select id from note')).toEqual([{ id: 1 }]);

    const beforeCommit = proxy.cutAt({ at: 'reply', match: 'never' });
    const lostEarly = database.transaction((tx) => tx.query(`insert into note values (2, 'never')`));
    expect(classifyDatabaseError(await failureOf(lostEarly))).toBe('unavailable');
    await beforeCommit;
    const lostWrite = proxy.cutAt({ at: 'reply', match: 'single' });
    expect(classifyDatabaseError(await failureOf(database.query(`insert into note values (3, 'single')`)))).toBe(
      'unknown-outcome',
    );
    await lostWrite;
    expect(await database.query('select id from note order by id')).toEqual([{ id: 1 }, { id: 3 }]);
  });

  it('survives the loss of its sessions, in use or idle', async () => {
    const killed = database.transaction(async (tx) => {
      const [me] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await database.query('select pg_terminate_backend($1)', [me!.pid]);
      await tx.query('select 1');
    });
    expect(classifyDatabaseError(await failureOf(killed))).toBe('unavailable');
    proxy.cutAll();
    await expect(Promise.any([1, 2, 3, 4, 5].map(() => database.query('select 1')))).resolves.toEqual([
      { '?column?': 1 },
    ]);
  });

  it('refuses as overloaded when all connections are busy for too long', async () => {
    const busy = [1, 2, 3, 4].map(() => database.query('select pg_sleep(2)'));
    expect(classifyDatabaseError(await failureOf(database.query('select 1')))).toBe('overloaded');
    await Promise.all(busy);
  });

  it('opens while the server is away, and works once it is there', async () => {
    const late = await TcpProxy.start({ targetPort: Number(new URL(fresh.url).port), port: await freePort() });
    await late.refuse();
    const waiting = openDatabase({ url: late.through(fresh.url), applicationName: 'late', entities: [Note] });
    try {
      expect(await waiting.healthy()).toBe(false);
      expect(classifyDatabaseError(await failureOf(waiting.query('select 1')))).toBe('unavailable');
      expect(classifyDatabaseError(await failureOf(waiting.transaction(async () => undefined)))).toBe('unavailable');
      await late.accept();
      expect(await waiting.healthy()).toBe(true);
      await waiting.transaction((tx) => tx.manager.getRepository(Note).insert({ id: 9, body: 'late' }));
    } finally {
      await waiting.close();
      await late.close();
    }
  });
});
