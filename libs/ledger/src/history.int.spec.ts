// Goal: what the ledger has recorded is told in order, as of any time, and never changes. Method: one real database, journals one
// after the other, statements that try to change them.
import { newUuid } from '@gravity/kernel';
import { type LedgerScene, ledgerScene, move } from '../test/ledger.fixture';

let scene: LedgerScene;

beforeAll(async () => {
  scene = await ledgerScene('ledger-history');
});

afterAll(() => scene.close());

const one: LedgerScene['one'] = (command) => scene.one(command);

describe('time', () => {
  it('does not go back for an account when the clock does, and expiry follows the clock', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    // As if the server had posted while its clock was an hour ahead.
    await scene.database.query(
      `update ledger_accounts set last_at = date_trunc('seconds', now()) + interval '1 hour' where account_id = $1`,
      [a],
    );
    const [row] = await scene.database.query<{ last_at: Date }>(
      'select last_at from ledger_accounts where account_id = $1',
      [a],
    );
    const reserved = await one({ kind: 'RESERVE', id: newUuid(), legs: move(a, b, 1n), ttlMs: 60_000 });
    const { at, expiresAt } = (reserved as { value: { at: Date; expiresAt: Date } }).value;
    expect(at).toEqual(row!.last_at);
    expect(at.getTime() - expiresAt.getTime()).toBeGreaterThan(50 * 60_000);
  });
});

describe('history', () => {
  it('is told by page, by id and as of any earlier time', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const ids = Array.from({ length: 9 }, () => newUuid());
    const times: Date[] = [];
    for (const id of ids) {
      const result = await one({ kind: 'POST', id, legs: move(a, b, 1n), reference: `r:${id}`, reason: 'because' });
      times.push((result as { value: { at: Date } }).value.at);
      await scene.database.query('select pg_sleep(0.003)');
    }
    const page = (after: bigint, limit: number) =>
      scene.database.transaction((tx) => scene.ledger.statement(tx, b, { after, limit }));
    const lines = [...(await page(0n, 4)), ...(await page(4n, 4)), ...(await page(8n, 4))];
    expect(lines.map(({ journalId }) => journalId)).toEqual(ids);
    expect(lines[6]).toMatchObject({
      sequence: 7n,
      posted: 1n,
      balanceAfter: 7n,
      reference: `r:${ids[6]}`,
      reason: 'because',
    });
    const journals = await scene.database.transaction((tx) => scene.ledger.journals(tx, ids.slice(0, 1)));
    expect(journals.get(ids[0]!)).toMatchObject({ kind: 'POST', closedBy: undefined, at: times[0] });
    for (const [index, at] of times.entries()) {
      const posted = async (then: Date): Promise<bigint | undefined> =>
        (await scene.database.transaction((tx) => scene.ledger.balancesAt(tx, [b], then))).get(b)?.posted;
      expect(await posted(at)).toBe(BigInt(index + 1));
      expect(await posted(new Date(at.getTime() - 1))).toBe(BigInt(index));
    }
  });

  it('never changes', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    await one({ kind: 'POST', id: newUuid(), legs: move(a, b, 1n) });
    for (const statement of [
      ...['ledger_journals', 'ledger_entries', 'ledger_batches'].flatMap((table) => [
        `delete from ${table}`,
        `truncate ${table}`,
        `update ${table} set at = now()`,
      ]),
      'delete from ledger_accounts',
      'truncate ledger_accounts',
      'update ledger_accounts set lower_bound = -1',
    ])
      await expect(scene.database.query(statement)).rejects.toThrow('never changes');
  });
});
