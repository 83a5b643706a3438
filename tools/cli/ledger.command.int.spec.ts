// Goal: the command says plainly what it found and ends with the status that says so too. Method: the command as a process of the
// build, on databases of its own.
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newUuid } from '@gravity/kernel';
import { accountIdOf, Ledger, ledgerDdl } from '@gravity/ledger';
import { type Database, openDatabase } from '@gravity/persistence';
import { buildServices, freshDatabase, type FreshDatabase, projectRoot } from '@gravity/testing';

const [A, B] = ['a', 'b'].map((owner) => ({ type: 'test', owner, unit: 'CNY' })) as [Name, Name];

interface Name {
  readonly type: string;
  readonly owner: string;
  readonly unit: string;
}

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase('ledger command');
  database = openDatabase({ url: fresh.url, applicationName: 'spec', poolSize: 1 });
  await buildServices();
}, 240_000);

afterAll(async () => {
  await database?.close();
  await fresh?.drop();
});

/** `gravity ledger …`, for which the database of every service is this one. */
function ledger(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const script = join(projectRoot(), 'dist', 'tools', 'cli', 'main.js');
  const env = {
    PATH: process.env['PATH'],
    CATALOG_DATABASE_URL: fresh.url,
    ORDERS_DATABASE_URL: fresh.url,
    // A service that has not been migrated yet.
    PAYMENTS_SANDBOX_DATABASE_URL: `${fresh.url}_missing`,
  };
  return new Promise((resolve) =>
    execFile(
      process.execPath,
      [script, 'ledger', ...words, '--data-dir', join(tmpdir(), 'no-stack')],
      { env },
      (error, out, err) => resolve({ status: error === null ? 0 : Number(error.code), out, err }),
    ),
  );
}

describe('gravity ledger verify', () => {
  it('says that no service has a ledger, and how to write the command', async () => {
    const [all, one, unknown, other] = await Promise.all([
      ledger('verify'),
      ledger('verify', '--service', 'orders'),
      ledger('verify', '--service', 'odrers'),
      ledger('check'),
    ]);
    expect(all).toMatchObject({ status: 0, out: 'No service has a ledger.\n' });
    expect(one).toMatchObject({ status: 0, out: 'orders has no ledger.\n' });
    expect(unknown).toMatchObject({ status: 2, err: expect.stringContaining('catalog, orders') });
    expect(other).toMatchObject({ status: 2, err: expect.stringContaining('one word: verify') });
  });

  it('tells what holds, and ends with status 1 on a finding', async () => {
    for (const statement of ledgerDdl()) await database.query(statement);
    const posting = new Ledger(database, { service: 'spec' });
    await database.transaction((tx) => posting.openAccounts(tx, [A, B]));
    const legs = [
      { accountId: accountIdOf(A), amount: -5n },
      { accountId: accountIdOf(B), amount: 5n },
    ];
    expect(await posting.submit({ kind: 'POST', id: newUuid(), legs })).toMatchObject({ ok: true });
    const sound = await ledger('verify', '--service', 'orders');
    expect(sound).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^orders {2}2 accounts, 1 journal, 2 entries, 1 batch/),
    });
    expect(sound.out).toMatch(/hash-link +holds/);
    await database.query('update ledger_accounts set balance = balance + 1 where account_id = $1', [accountIdOf(B)]);
    const wrong = await ledger('verify');
    expect(wrong).toMatchObject({ status: 1, out: expect.stringContaining(`account ${accountIdOf(B)}`) });
    expect(wrong.out).toMatch(/balance +1 finding/);
  });
});
