// Goal: each command does what it says, once, and every refusal is typed. Method: one real database, accounts of its own per
// test, journals one after the other.
import { newUuid } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { codeOf, type LedgerScene, ledgerScene, move } from '../test/ledger.fixture';
import { accountIdOf, type LedgerCommand } from '.';

let scene: LedgerScene;

beforeAll(async () => {
  scene = await ledgerScene('ledger');
});

afterAll(() => scene.close());

const inTx: LedgerScene['decide'] = (...commands) => scene.decide(...commands);
const one: LedgerScene['one'] = (command) => scene.one(command);
const balances: LedgerScene['balances'] = (...ids) => scene.balances(...ids);

describe('accounts', () => {
  it('are opened once, under an id that follows from what they are', async () => {
    const name = { type: 'budget', owner: newUuid(), unit: 'CNY' };
    const open = (lowerBound: bigint) =>
      scene.database.transaction((tx) => scene.ledger.openAccounts(tx, [{ ...name, lowerBound }]));
    expect(await open(0n)).toEqual([{ ok: true, value: accountIdOf(name) }]);
    expect(await open(0n)).toEqual([{ ok: true, value: accountIdOf(name) }]);
    expect(await open(-5n)).toEqual([{ ok: false, error: { code: 'account-differs', accountId: accountIdOf(name) } }]);
    expect(accountIdOf({ ...name, unit: 'USD' })).not.toBe(accountIdOf(name));
  });

  it('say what may go out and come in, and nothing where there is no bound', async () => {
    const [bounded = '', open = ''] = await scene.open({ lowerBound: -10n, upperBound: 50n }, {});
    await one({ kind: 'POST', id: newUuid(), legs: move(open, bounded, 20n) });
    await one({ kind: 'RESERVE', id: newUuid(), legs: move(bounded, open, 4n), ttlMs: 60_000 });
    await one({ kind: 'RESERVE', id: newUuid(), legs: move(open, bounded, 3n), ttlMs: 60_000 });
    expect(await balances(bounded, open)).toMatchObject([
      { posted: 20n, pendingIn: 3n, pendingOut: 4n, available: 26n, room: 27n, entries: 3n },
      { posted: -20n, pendingIn: 4n, pendingOut: 3n, available: undefined, room: undefined, entries: 3n },
    ]);
  });
});

describe('post', () => {
  it('moves n legs in several units, each of which sums to zero', async () => {
    const [a = '', b = '', c = '', d = ''] = await scene.open({}, {}, { unit: 'USD' }, { unit: 'USD' });
    const legs = [...move(a, b, 7n), ...move(c, d, 2n)];
    expect(codeOf(await one({ kind: 'POST', id: newUuid(), legs }))).toBe('accepted');
    expect((await balances(a, b, c, d)).map(({ posted }) => posted)).toEqual([-7n, 7n, -2n, 2n]);
    const uneven = [...move(a, b, 7n), ...move(c, d, 2n).slice(1), { accountId: c, amount: -1n }];
    expect(await one({ kind: 'POST', id: newUuid(), legs: uneven })).toMatchObject({ error: { code: 'unbalanced' } });
    expect(codeOf(await one({ kind: 'POST', id: newUuid(), legs: move(a, c, 1n) }))).toBe('unbalanced');
  });

  it('refuses an unknown account and a bound, and leaves nothing behind', async () => {
    const [poor = '', rich = ''] = await scene.open({ lowerBound: 0n }, { upperBound: 5n });
    const unknown = newUuid();
    const id = newUuid();
    expect(await one({ kind: 'POST', id, legs: move(rich, unknown, 1n) })).toEqual({
      ok: false,
      error: { code: 'unknown-account', accountId: unknown },
    });
    expect(await one({ kind: 'POST', id, legs: move(rich, poor, 2n) })).toMatchObject({
      ok: true,
      value: { replayed: false },
    });
    expect(await one({ kind: 'POST', id: newUuid(), legs: move(poor, rich, 3n) })).toEqual({
      ok: false,
      error: { code: 'bound-exceeded', accountId: poor, bound: 'lower', available: 2n },
    });
    const [other = ''] = await scene.open({});
    expect(await one({ kind: 'POST', id: newUuid(), legs: move(other, rich, 8n) })).toEqual({
      ok: false,
      error: { code: 'bound-exceeded', accountId: rich, bound: 'upper', available: 7n },
    });
    expect((await balances(poor, rich)).map(({ entries }) => entries)).toEqual([1n, 1n]);
  });

  it('judges a batch in its order once one of it does not fit, and answers each', async () => {
    const [from = '', to = ''] = await scene.open({ lowerBound: -10n }, {});
    const amounts = [6n, 5n, 4n, 1n];
    const results = await inTx(
      ...amounts.map((amount) => ({ kind: 'POST' as const, id: newUuid(), legs: move(from, to, amount) })),
      { kind: 'POST', id: newUuid(), legs: move(to, from, 1n) },
      { kind: 'POST', id: newUuid(), legs: move(from, to, 1n) },
    );
    expect(results.map(codeOf)).toEqual([
      'accepted',
      'bound-exceeded',
      'accepted',
      'bound-exceeded',
      'accepted',
      'accepted',
    ]);
    expect(results[1]).toMatchObject({ error: { available: 4n } });
    expect(results[3]).toMatchObject({ error: { available: 0n } });
    expect((await balances(from))[0]).toMatchObject({ posted: -10n, available: 0n, entries: 4n });
  });

  it('throws what no caller may send', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const wrong: LedgerCommand[] = [
      { kind: 'POST', id: newUuid(), legs: [{ accountId: a, amount: 1n }] },
      { kind: 'POST', id: newUuid(), legs: [...move(a, b, 1n), ...move(a, b, 1n)] },
      { kind: 'POST', id: newUuid(), legs: move(a, b, 0n) },
      { kind: 'POST', id: newUuid(), legs: move(a, b, 10n ** 16n + 1n) },
      { kind: 'RESERVE', id: newUuid(), legs: move(a, b, 1n), ttlMs: 0 },
      { kind: 'REVERSE', id: newUuid(), journalId: newUuid(), reason: '' },
    ];
    for (const command of wrong) await expect(one(command)).rejects.toThrow(command.id);
  });

  it('refuses amounts beyond the largest balance instead of overflowing', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const most = 10n ** 16n;
    expect(codeOf(await one({ kind: 'POST', id: newUuid(), legs: move(a, b, most) }))).toBe('accepted');
    expect(await one({ kind: 'POST', id: newUuid(), legs: move(a, b, most) })).toMatchObject({
      error: { code: 'bound-exceeded', available: 0n },
    });
  });
});

describe('replays', () => {
  it('get the first result for the same content, and a refusal for other content', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const id = newUuid();
    const command: LedgerCommand = { kind: 'RESERVE', id, legs: move(a, b, 3n), ttlMs: 60_000, reference: 'order:1' };
    const first = await one(command);
    const again = await one({ ...command, legs: move(a, b, 3n).reverse() });
    expect(again).toEqual({ ok: true, value: { ...(first as { value: object }).value, replayed: true } });
    const others: LedgerCommand[] = [
      { ...command, legs: move(a, b, 4n) },
      { ...command, legs: move(b, a, 3n) },
      { ...command, ttlMs: 60_001 },
      { ...command, reference: 'order:2' },
      { ...command, reason: 'x' },
      { kind: 'POST', id, legs: move(a, b, 3n), reference: 'order:1' },
    ];
    for (const other of others) expect(await one(other)).toEqual({ ok: false, error: { code: 'id-conflict', id } });
    expect((await balances(a))[0]).toMatchObject({ entries: 1n, pendingOut: 3n });
  });

  it('hold for commits, voids and reversals, and inside one batch', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const [r1, r2, r3, c1, c2, v, p, x] = Array.from({ length: 8 }, () => newUuid()) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const reserve = (id: string): LedgerCommand => ({ kind: 'RESERVE', id, legs: move(a, b, 10n), ttlMs: 60_000 });
    const whole: LedgerCommand = { kind: 'COMMIT', id: c1, reservationId: r1 };
    const part: LedgerCommand = { kind: 'COMMIT', id: c2, reservationId: r2, legs: move(a, b, 4n) };
    const back: LedgerCommand = { kind: 'VOID', id: v, reservationId: r3 };
    const post: LedgerCommand = { kind: 'POST', id: p, legs: move(a, b, 2n) };
    const reverse: LedgerCommand = { kind: 'REVERSE', id: x, journalId: p, reason: 'mistake' };
    const all = [reserve(r1), reserve(r2), reserve(r3), whole, part, back, post, reverse];
    expect((await inTx(...all)).map(codeOf)).toEqual(all.map(() => 'accepted'));
    expect((await inTx(...all, ...all)).map(codeOf)).toEqual([...all, ...all].map(() => 'replayed'));
    expect(codeOf(await one({ ...whole, legs: move(a, b, 10n) }))).toBe('replayed');
    for (const other of [
      { ...whole, legs: move(a, b, 9n) },
      { ...part, legs: move(a, b, 5n) },
      { kind: 'COMMIT', id: c2, reservationId: r2 },
      { ...back, reservationId: r1 },
      { ...reverse, reason: 'another' },
    ] as LedgerCommand[])
      expect(codeOf(await one(other))).toBe('id-conflict');
    expect(await balances(a, b)).toMatchObject([
      { posted: -14n, pendingOut: 0n },
      { posted: 14n, pendingIn: 0n },
    ]);
  });
});

describe('reservations', () => {
  it('hold amounts, and are resolved exactly once', async () => {
    const [from = '', to = ''] = await scene.open({ lowerBound: -10n }, { upperBound: 10n });
    const [id, committed] = [newUuid(), newUuid()];
    await one({ kind: 'RESERVE', id, legs: move(from, to, 10n), ttlMs: 60_000 });
    expect(await one({ kind: 'RESERVE', id: newUuid(), legs: move(from, to, 1n), ttlMs: 60_000 })).toMatchObject({
      error: { code: 'bound-exceeded', available: 0n },
    });
    await one({ kind: 'COMMIT', id: committed, reservationId: id, legs: move(from, to, 6n) });
    expect(await balances(from, to)).toMatchObject([
      { posted: -6n, pendingOut: 0n, available: 4n },
      { posted: 6n, pendingIn: 0n, room: 4n },
    ]);
    for (const kind of ['COMMIT', 'VOID'] as const)
      expect(await one({ kind, id: newUuid(), reservationId: id })).toEqual({
        ok: false,
        error: { code: 'already-resolved', by: committed, as: 'committed' },
      });
  });

  it('are committed in part within what they hold', async () => {
    const [a = '', b = '', c = ''] = await scene.open({}, {}, {});
    const reservationId = newUuid();
    const legs = [
      { accountId: a, amount: -10n },
      { accountId: b, amount: 6n },
      { accountId: c, amount: 4n },
    ];
    await one({ kind: 'RESERVE', id: reservationId, legs, ttlMs: 60_000 });
    const commit = (...parts: typeof legs): LedgerCommand => ({
      kind: 'COMMIT',
      id: newUuid(),
      reservationId,
      legs: parts,
    });
    expect(codeOf(await one(commit(...move(a, b, 7n))))).toBe('exceeds-reservation');
    expect(codeOf(await one(commit(...move(b, a, 1n))))).toBe('exceeds-reservation');
    expect(codeOf(await one(commit(...move(a, newUuid(), 1n))))).toBe('exceeds-reservation');
    expect(codeOf(await one(commit({ accountId: a, amount: -2n }, { accountId: b, amount: 1n })))).toBe('unbalanced');
    expect(codeOf(await one(commit(...move(a, c, 4n))))).toBe('accepted');
    expect(
      (await balances(a, b, c)).map(({ posted, pendingIn, pendingOut }) => [posted, pendingIn, pendingOut]),
    ).toEqual([
      [-4n, 0n, 0n],
      [0n, 0n, 0n],
      [4n, 0n, 0n],
    ]);
  });

  it('expire by the clock of Postgres: then they are listed, not committed, and voided once', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const [id, voided] = [newUuid(), newUuid()];
    await one({ kind: 'RESERVE', id, legs: move(a, b, 5n), ttlMs: 40, reference: 'checkout:7' });
    const expired = await eventually(async () => {
      const list = await scene.database.transaction((tx) => scene.ledger.expired(tx, 100));
      const mine = list.find((journal) => journal.id === id);
      if (mine === undefined) throw new Error('not yet');
      return mine;
    });
    expect(expired).toMatchObject({ reference: 'checkout:7', kind: 'RESERVE' });
    expect(new Set(expired.legs)).toEqual(new Set(move(a, b, 5n)));
    expect(await one({ kind: 'COMMIT', id: newUuid(), reservationId: id })).toEqual({
      ok: false,
      error: { code: 'expired', id, expiresAt: expired.expiresAt },
    });
    expect((await balances(a))[0]).toMatchObject({ pendingOut: 5n });
    expect(codeOf(await one({ kind: 'VOID', id: voided, reservationId: id, reason: 'expired' }))).toBe('accepted');
    expect(await one({ kind: 'VOID', id: newUuid(), reservationId: id })).toMatchObject({
      error: { code: 'already-resolved', by: voided, as: 'voided' },
    });
    expect((await balances(a))[0]).toMatchObject({ posted: 0n, pendingOut: 0n });
  });

  it('that were given up before they arrived meet a tombstone', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const [reservationId, release] = [newUuid(), newUuid()];
    expect(await one({ kind: 'VOID', id: release, reservationId })).toEqual({
      ok: false,
      error: { code: 'unknown-journal', id: reservationId },
    });
    const giveUp: LedgerCommand = { kind: 'VOID', id: release, reservationId, tombstone: true };
    expect(codeOf(await one(giveUp))).toBe('accepted');
    expect(codeOf(await one(giveUp))).toBe('replayed');
    expect(await one({ kind: 'RESERVE', id: reservationId, legs: move(a, b, 1n), ttlMs: 60_000 })).toEqual({
      ok: false,
      error: { code: 'already-resolved', by: reservationId, as: 'voided' },
    });
    const known = newUuid();
    await one({ kind: 'RESERVE', id: known, legs: move(a, b, 1n), ttlMs: 60_000 });
    const [voided] = await inTx({ kind: 'VOID', id: newUuid(), reservationId: known, tombstone: true });
    expect(codeOf(voided!)).toBe('accepted');
    expect((await balances(a))[0]).toMatchObject({ pendingOut: 0n, entries: 2n });
  });
});

describe('reversals', () => {
  it('post the opposite once, within the bounds, of what was posted', async () => {
    const [from = '', to = ''] = await scene.open({}, { lowerBound: 0n });
    const [post, reversal] = [newUuid(), newUuid()];
    const reverse = (id: string, journalId: string): LedgerCommand => ({
      kind: 'REVERSE',
      id,
      journalId,
      reason: 'refund',
    });
    await one({ kind: 'POST', id: post, legs: move(from, to, 5n) });
    const spent = newUuid();
    await one({ kind: 'POST', id: spent, legs: move(to, from, 3n) });
    expect(await one(reverse(reversal, post))).toMatchObject({
      error: { code: 'bound-exceeded', accountId: to, available: 2n },
    });
    await one(reverse(newUuid(), spent));
    expect(codeOf(await one(reverse(reversal, post)))).toBe('accepted');
    expect(await one(reverse(newUuid(), post))).toEqual({
      ok: false,
      error: { code: 'already-reversed', by: reversal },
    });
    expect(await one(reverse(newUuid(), reversal))).toEqual({ ok: false, error: { code: 'wrong-kind', id: reversal } });
    const unknown = newUuid();
    expect(await one(reverse(newUuid(), unknown))).toEqual({
      ok: false,
      error: { code: 'unknown-journal', id: unknown },
    });
    expect(await one({ kind: 'COMMIT', id: newUuid(), reservationId: post })).toEqual({
      ok: false,
      error: { code: 'wrong-kind', id: post },
    });
    expect((await balances(from, to)).map(({ posted }) => posted)).toEqual([0n, 0n]);
  });
});

describe('the group commit', () => {
  it('answers each command, and one that no caller may send fails alone', async () => {
    const [a = '', b = ''] = await scene.open({}, { upperBound: 5n });
    const good = Array.from({ length: 7 }, (): LedgerCommand => ({
      kind: 'POST',
      id: newUuid(),
      legs: move(a, b, 1n),
    }));
    const bad: LedgerCommand = { kind: 'POST', id: newUuid(), legs: move(a, b, 0n) };
    const failure = scene.ledger.submit(bad).then(String, String);
    const results = await Promise.all(good.map((command) => scene.ledger.submit(command)));
    expect(await failure).toContain(bad.id);
    expect(results.map(codeOf)).toEqual([...Array(5).fill('accepted'), 'bound-exceeded', 'bound-exceeded']);
    const [seven] = await balances(b);
    expect(seven).toMatchObject({ posted: 5n, room: 0n, entries: 5n });
  });

  it('needs no more than one statement for those that come together', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const before = scene.database.statements.count;
    const commands = Array.from({ length: 256 }, (): LedgerCommand => ({
      kind: 'POST',
      id: newUuid(),
      legs: move(a, b, 1n),
    }));
    await Promise.all(commands.map((command) => scene.ledger.submit(command)));
    expect(scene.database.statements.count - before).toBe(1);
  });

  it('reads by index alone, with plans that were made when the tables were small', async () => {
    const [a = '', b = ''] = await scene.open({}, {});
    const reserved = Array.from({ length: 20 }, () => newUuid());
    const reserves = reserved.map((id): LedgerCommand => ({
      kind: 'RESERVE',
      id,
      legs: move(a, b, 1n),
      ttlMs: 60_000,
    }));
    const others: LedgerCommand[] = [
      ...reserved.map((reservationId): LedgerCommand => ({ kind: 'COMMIT', id: newUuid(), reservationId })),
      { kind: 'POST', id: newUuid(), legs: move(a, newUuid(), 1n) },
    ];
    await scene.database.query('analyze');
    const scans = await scene.database.transaction(async (tx) => {
      const count = async (): Promise<unknown> =>
        tx.query(`select relname, seq_scan from pg_stat_xact_user_tables where relname like 'ledger%' order by 1`);
      const before = await count();
      for (const commands of [reserves, others, others]) await scene.ledger.execute(tx, commands);
      return { before, after: await count() };
    });
    expect(scans.after).toEqual(scans.before);
  });
});
