// Goal: the check finds nothing in a ledger that only the ledger wrote, and names what anything else changed. Method: every kind
// of journal, then one change of a row at a time with the triggers off, undone afterwards.
import { newUuid } from '@gravity/kernel';
import { register } from 'prom-client';
import { type LedgerScene, ledgerScene, move } from '../../test/ledger.fixture';
import type { LedgerCommand } from '../commands';
import { hasLedger, verifyLedger } from '.';
import type { LedgerCheck, LedgerProgress } from './report';

let scene: LedgerScene;
const ids = Object.fromEntries(
  ['post', 'open', 'whole', 'part', 'void', 'reversed', 'reversal', 'commit', 'partCommit', 'voided'].map((name) => [
    name,
    newUuid(),
  ]),
) as Record<string, string>;
let a = '';
let b = '';

beforeAll(async () => {
  scene = await ledgerScene('ledger-verify');
  [a = '', b = ''] = await scene.open({ lowerBound: -1_000n }, { upperBound: 1_000n });
  const reserve = (id: string): LedgerCommand => ({ kind: 'RESERVE', id, legs: move(a, b, 10n), ttlMs: 600_000 });
  const commands: LedgerCommand[] = [
    { kind: 'POST', id: ids['post']!, legs: move(a, b, 5n), reference: 'order:1' },
    { kind: 'POST', id: ids['reversed']!, legs: move(a, b, 6n) },
    ...['open', 'whole', 'part', 'void'].map((name) => reserve(ids[name]!)),
    { kind: 'REVERSE', id: ids['reversal']!, journalId: ids['reversed']!, reason: 'refund' },
    { kind: 'COMMIT', id: ids['commit']!, reservationId: ids['whole']! },
    { kind: 'COMMIT', id: ids['partCommit']!, reservationId: ids['part']!, legs: move(a, b, 3n) },
    { kind: 'VOID', id: ids['voided']!, reservationId: ids['void']! },
    { kind: 'VOID', id: newUuid(), reservationId: newUuid(), tombstone: true },
  ];
  for (const command of commands) expect(await scene.ledger.submit(command)).toMatchObject({ ok: true });
});

afterAll(() => scene.close());

/** What the check finds after these statements, which are undone afterwards. */
async function foundAfter(
  ...statements: string[]
): Promise<{ found: Partial<Record<LedgerCheck, number>>; subjects: string[] }> {
  const tables = ['journals', 'entries', 'batches', 'accounts', 'chains', 'reservations'].map(
    (name) => `ledger_${name}`,
  );
  const { database } = scene;
  for (const table of tables) await database.query(`create table saved_${table} as select * from ${table}`);
  const untriggered = async (work: readonly string[]): Promise<void> => {
    await database.transaction(async (tx) => {
      await tx.query(`set local session_replication_role = replica`);
      for (const statement of work) await tx.query(statement);
    });
  };
  await untriggered(statements);
  const report = await verifyLedger(database);
  await untriggered(
    tables.flatMap((table) => [
      `delete from ${table}`,
      `insert into ${table} overriding system value select * from saved_${table}`,
      `drop table saved_${table}`,
    ]),
  );
  const found = Object.fromEntries(Object.entries(report.found).filter(([, count]) => count > 0));
  return { found, subjects: report.findings.map(({ subject }) => subject) };
}

describe('verifyLedger', () => {
  it('finds nothing where only the ledger wrote, and counts what it read', async () => {
    const progress: LedgerProgress[] = [];
    const report = await verifyLedger(scene.database, (at) => progress.push(at), 'spec');
    expect(report).toMatchObject({
      ok: true,
      findings: [],
      batches: 11,
      journals: 11,
      entries: 20,
      accounts: 2,
      reservations: 1,
    });
    expect(report.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(progress).toContainEqual({ step: 'batches', done: 11, total: 11 });
    expect(progress).toContainEqual({ step: 'accounts', done: 2, total: 2 });
    expect(progress).toContainEqual({ step: 'reservations', done: 1, total: 1 });
    const metrics = await register.metrics();
    expect(metrics).toContain('ledger_check_findings{service="spec",check="hash-link"} 0');
    expect(metrics).toContain('ledger_check_rows{service="spec"} 34');
    expect(await hasLedger(scene.database)).toBe(true);
  });

  const journal = (name: string): string => `journal_id = '${ids[name]}'`;
  const cases: [string, () => string[], Partial<Record<LedgerCheck, number>>, () => string][] = [
    [
      'a changed reference',
      () => [`update ledger_journals set reference = 'order:2' where ${journal('post')}`],
      { 'hash-link': 1 },
      () => 'batch 1',
    ],
    [
      'an amount changed on both legs and their entries',
      () => [
        `update ledger_journals set amounts = array(select x * 2 from unnest(amounts) x) where ${journal('post')}`,
        `update ledger_entries set posted = posted * 2 where ${journal('post')}`,
      ],
      { 'hash-link': 1, balance: 2 },
      () => `account ${a} entry 1`,
    ],
    [
      'an amount changed on one leg',
      () => [`update ledger_journals set amounts[1] = amounts[1] + 1 where ${journal('post')}`],
      { 'hash-link': 1, 'sum-zero': 1, entries: 1 },
      () => `journal ${ids['post']}`,
    ],
    [
      'an entry that was taken away',
      () => [`delete from ledger_entries where account_id = '${a}' and sequence = 2`],
      { 'hash-link': 1, entries: 1, balance: 2 },
      () => `account ${a}`,
    ],
    [
      'a balance that was written by hand',
      () => [`update ledger_accounts set balance = balance + 1 where account_id = '${b}'`],
      { balance: 1, 'sum-zero': 1 },
      () => `account ${b}`,
    ],
    [
      'a bound that was narrowed',
      () => [
        `alter table ledger_accounts drop constraint ledger_lower_bound`,
        `update ledger_accounts set lower_bound = -20 where account_id = '${a}'`,
      ],
      { bound: 1 },
      () => `account ${a} entry 3`,
    ],
    [
      'a reservation that was dropped',
      () => [`delete from ledger_reservations where ${journal('open')}`],
      { resolution: 1, pending: 2 },
      () => `journal ${ids['open']}`,
    ],
    [
      'a reservation that was opened again',
      () => [
        `insert into ledger_reservations select journal_id, expires_at from ledger_journals where ${journal('void')}`,
      ],
      { resolution: 1, pending: 2 },
      () => `journal ${ids['void']}`,
    ],
    [
      'a second reversal',
      () => [
        'drop index ledger_journals_original',
        `insert into ledger_journals select '${newUuid()}', kind, original, accounts, amounts, ttl_ms, expires_at, reference, reason, batch_id, at
         from ledger_journals where ${journal('reversal')}`,
      ],
      { 'hash-link': 1, entries: 2, resolution: 2 },
      () => `journal ${ids['reversal']}`,
    ],
    [
      'a batch that was taken away with all it did',
      () => [
        `delete from ledger_entries where batch_id = 1`,
        `delete from ledger_journals where batch_id = 1`,
        `delete from ledger_batches where batch_id = 1`,
      ],
      { 'hash-link': 1, balance: 4 },
      () => 'batch 2',
    ],
    [
      'the end of a chain that was cut off',
      () => [`delete from ledger_batches where batch_id = 11`, `delete from ledger_journals where batch_id = 11`],
      { 'hash-link': 1 },
      () => 'chain 1',
    ],
    [
      'a head that was set back',
      () => ['update ledger_chains set number = number - 1'],
      { 'hash-link': 2 },
      () => 'chain 1',
    ],
    ['a head that was taken away', () => ['delete from ledger_chains'], { 'hash-link': 1 }, () => 'chain 1'],
  ];

  it.each(cases)('names %s', async (_title, statements, found, subject) => {
    const after = await foundAfter(...statements());
    expect(after.found).toEqual(found);
    expect(after.subjects).toContain(subject());
    if (statements().some((statement) => statement.includes('drop index')))
      await scene.database.query(
        'create unique index ledger_journals_original on ledger_journals (original) where original is not null',
      );
  });

  it('is content again once everything is as it was', async () => {
    expect(await verifyLedger(scene.database)).toMatchObject({ ok: true });
  });
});
