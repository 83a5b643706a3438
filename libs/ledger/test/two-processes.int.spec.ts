// Goal: with two processes at once, no bound is crossed, every id is posted once, and the check finds nothing. Method: two
// operating-system processes with pools of their own on one database, named races, and random histories from a printed seed.
import { newUuid } from '@gravity/kernel';
import { openDatabase } from '@gravity/persistence';
import { eventually, TcpProxy } from '@gravity/testing';
import fc from 'fast-check';
import { type Balances, Ledger, type LedgerCommand, type LedgerResult, verifyLedger } from '../src';
import { LedgerChild } from './ledger-child';
import { codeOf, type LedgerScene, ledgerScene, move } from './ledger.fixture';
import { historyOf, randomHistory } from './random-history';

let scene: LedgerScene;
let children: LedgerChild[] = [];

beforeAll(async () => {
  scene = await ledgerScene('ledger-two', 16);
  children = await Promise.all([LedgerChild.start(scene.url), LedgerChild.start(scene.url)]);
}, 240_000);

afterAll(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await scene?.close();
});

/** Deals jobs to both processes and gives the results in the order of the jobs. */
async function onBoth(
  jobs: readonly (readonly LedgerCommand[])[],
  atOnce = 64,
  retries = 0,
): Promise<LedgerResult[][]> {
  const shares = children.map((_child, side) => jobs.filter((_job, index) => index % 2 === side));
  const [even = [], odd = []] = await Promise.all(
    children.map((child, side) => child.run(shares[side]!, atOnce, retries)),
  );
  return jobs.map((_job, index) => (index % 2 === 0 ? even : odd)[index >> 1]!);
}

function tally(results: readonly LedgerResult[][]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of results.flat()) counts[codeOf(result)] = (counts[codeOf(result)] ?? 0) + 1;
  return counts;
}

async function expectSound(): Promise<void> {
  const report = await verifyLedger(scene.database);
  expect(report.findings).toEqual([]);
}

const balanceOf = async (id: string): Promise<Balances> => (await scene.balances(id))[0]!;

describe('two processes', () => {
  it('grant exactly 333 of 1,000 reservations of ¥30 on a budget of ¥10,000', async () => {
    const [funder = '', budget = '', spent = ''] = await scene.open({}, { lowerBound: 0n }, {});
    await scene.ledger.submit({ kind: 'POST', id: newUuid(), legs: move(funder, budget, 1_000_000n) });
    const jobs = Array.from({ length: 1_000 }, (): LedgerCommand[] => [
      { kind: 'RESERVE', id: newUuid(), legs: move(budget, spent, 3_000n), ttlMs: 600_000 },
    ]);
    const results = await onBoth(jobs, 500);
    expect(tally(results)).toEqual({ accepted: 333, 'bound-exceeded': 667 });
    const refused = results.flat().find((result) => !result.ok);
    expect(refused).toEqual({
      ok: false,
      error: { code: 'bound-exceeded', accountId: budget, bound: 'lower', available: 1_000n },
    });
    expect(await balanceOf(budget)).toMatchObject({ posted: 1_000_000n, pendingOut: 999_000n, available: 1_000n });
    await expectSound();
  });

  it('grant them anew once the first have expired and were voided, and commit each', async () => {
    const [funder = '', budget = '', spent = ''] = await scene.open({}, { lowerBound: 0n }, {});
    await scene.ledger.submit({ kind: 'POST', id: newUuid(), legs: move(funder, budget, 1_000_000n) });
    const reference = `wave:${budget}`;
    const wave = (ttlMs: number): LedgerCommand[][] =>
      Array.from({ length: 500 }, () => [
        { kind: 'RESERVE', id: newUuid(), legs: move(budget, spent, 3_000n), ttlMs, reference },
      ]);
    expect(tally(await onBoth(wave(500), 250))).toEqual({ accepted: 333, 'bound-exceeded': 167 });
    const expired = await eventually(
      async () => {
        const mine = (await scene.ledger.expired(scene.database, 1_000)).filter(
          (journal) => journal.reference === reference,
        );
        expect(mine).toHaveLength(333);
        return mine;
      },
      { withinMs: 30_000 },
    );
    // Both processes sweep: each reservation is voided by one of them.
    const sweep = expired.flatMap(({ id }) =>
      [0, 1].map((): LedgerCommand[] => [{ kind: 'VOID', id: newUuid(), reservationId: id }]),
    );
    expect(tally(await onBoth(sweep))).toEqual({ accepted: 333, 'already-resolved': 333 });
    const second = wave(600_000);
    const granted = (await onBoth(second, 250)).flatMap((results, index) => (results[0]!.ok ? second[index]! : []));
    const commits = granted.map(({ id }): LedgerCommand[] => [{ kind: 'COMMIT', id: newUuid(), reservationId: id }]);
    expect(tally(await onBoth(commits))).toEqual({ accepted: 333 });
    expect(await balanceOf(budget)).toMatchObject({ posted: 1_000n, pendingOut: 0n, available: 1_000n });
    expect(await balanceOf(spent)).toMatchObject({ posted: 999_000n, pendingIn: 0n });
    await expectSound();
  });

  it('do not deadlock on accounts in random order', async () => {
    const accounts = await scene.open(...Array.from({ length: 12 }, () => ({})));
    const [seed] = fc.sample(fc.nat(), 1);
    const jobs = fc.sample(
      fc.array(
        fc.shuffledSubarray(accounts, { minLength: 2, maxLength: 6 }).map((some): LedgerCommand => ({
          kind: 'POST',
          id: newUuid(),
          legs: some.map((accountId, index) => ({ accountId, amount: index === 0 ? BigInt(1 - some.length) : 1n })),
        })),
        { minLength: 2, maxLength: 5 },
      ),
      { numRuns: 100, seed },
    );
    expect(tally(await onBoth(jobs, 4))).toEqual({ accepted: jobs.flat().length });
    await expectSound();
  });

  it('post an id once, although both ask for it with other accounts at the same time', async () => {
    const pairs = await Promise.all(Array.from({ length: 2 }, () => scene.open({}, {})));
    const ids = Array.from({ length: 100 }, () => newUuid());
    const jobs = ids.flatMap((id) =>
      pairs.map(([from = '', to = '']): LedgerCommand[] => [{ kind: 'POST', id, legs: move(from, to, 1n) }]),
    );
    const results = (await onBoth(jobs)).flat();
    ids.forEach((_id, index) => {
      expect(
        results
          .slice(index * 2, index * 2 + 2)
          .map(codeOf)
          .sort(),
      ).toEqual(['accepted', 'id-conflict']);
    });
    await expectSound();
  });

  it('post an id once, although both ask for it and then again', async () => {
    const [from = '', to = ''] = await scene.open({}, {});
    const commands = Array.from({ length: 300 }, (): LedgerCommand => ({
      kind: 'POST',
      id: newUuid(),
      legs: move(from, to, 1n),
    }));
    const results = await onBoth([...commands, ...commands].flatMap((command) => [[command], [command]]));
    expect(tally(results)).toEqual({ accepted: 300, replayed: 900 });
    expect(await balanceOf(to)).toMatchObject({ posted: 300n, entries: 300n });
  });

  it('resolve a reservation once, whichever of commit, void and expiry comes first', async () => {
    const [from = '', to = ''] = await scene.open({}, {});
    const ids = Array.from({ length: 300 }, () => newUuid());
    const reserved = await onBoth(ids.map((id) => [{ kind: 'RESERVE', id, legs: move(from, to, 1n), ttlMs: 60 }]));
    const expiry = new Map(
      ids.map((id, index) => [id, (reserved[index]![0] as { value: { expiresAt: Date } }).value.expiresAt]),
    );
    const attempts = ids.flatMap((reservationId): LedgerCommand[] => [
      { kind: 'COMMIT', id: newUuid(), reservationId },
      { kind: 'VOID', id: newUuid(), reservationId },
      { kind: 'COMMIT', id: newUuid(), reservationId },
      { kind: 'VOID', id: newUuid(), reservationId },
    ]);
    const results = (
      await onBoth(
        attempts.map((command) => [command]),
        16,
      )
    ).flat();
    let committed = 0n;
    ids.forEach((id, index) => {
      const four = results.slice(index * 4, index * 4 + 4);
      expect(four.filter(({ ok }) => ok)).toHaveLength(1);
      [0, 2].forEach((at) => {
        const result = four[at]!;
        if (!result.ok) return;
        committed += 1n;
        expect(result.value.at.getTime()).toBeLessThan(expiry.get(id)!.getTime());
      });
    });
    expect(
      results.filter((result) => !result.ok && !['expired', 'already-resolved'].includes(result.error.code)),
    ).toEqual([]);
    expect(await balanceOf(to)).toMatchObject({ posted: committed, pendingIn: 0n });
    await expectSound();
  });

  it('leave everything whole when one is killed in the middle, and the other repeats what it asked', async () => {
    const [funder = '', budget = '', spent = ''] = await scene.open({}, { lowerBound: 0n }, {});
    await scene.ledger.submit({ kind: 'POST', id: newUuid(), legs: move(funder, budget, 1_500n) });
    const victim = await LedgerChild.start(scene.url);
    const jobs = Array.from({ length: 20_000 }, (): LedgerCommand[] => [
      { kind: 'RESERVE', id: newUuid(), legs: move(budget, spent, 1n), ttlMs: 600_000 },
    ]);
    const running = victim.run(jobs, 64).catch((error: unknown) => String(error));
    await eventually(async () => expect((await balanceOf(budget)).pendingOut).toBeGreaterThan(100n), {
      withinMs: 20_000,
    });
    await victim.kill();
    expect(await running).toBe('Error: the process died');
    const before = await balanceOf(budget);
    const results = await onBoth(jobs.slice(0, 2_000));
    const counts = tally(results);
    expect((counts['accepted'] ?? 0) + (counts['replayed'] ?? 0)).toBe(1_500);
    // A batch that was under way may have been committed after the last look.
    expect(BigInt(counts['replayed'] ?? 0)).toBeGreaterThanOrEqual(before.pendingOut);
    expect(await balanceOf(budget)).toMatchObject({ pendingOut: 1_500n, available: 0n });
    await expectSound();
  });

  it('are checked while they post, and nothing is found', async () => {
    const accounts = await scene.open(...Array.from({ length: 10 }, () => ({})));
    const [seed] = fc.sample(fc.nat(), 1);
    const jobs = fc
      .sample(fc.shuffledSubarray(accounts, { minLength: 2, maxLength: 2 }), { numRuns: 3_000, seed })
      .map(([from = '', to = ''], index): LedgerCommand[] => {
        const legs = move(from, to, 1n);
        if (index % 2 === 0) return [{ kind: 'POST', id: newUuid(), legs }];
        const reservationId = newUuid();
        const reserve: LedgerCommand = { kind: 'RESERVE', id: reservationId, legs, ttlMs: 600_000 };
        return index % 3 === 0 ? [reserve] : [reserve, { kind: 'COMMIT', id: newUuid(), reservationId }];
      });
    let posting = true;
    const posted = onBoth(jobs, 8).finally(() => (posting = false));
    let checks = 0;
    for (; posting; checks += 1) await expectSound();
    expect(tally(await posted)).toEqual({ accepted: jobs.flat().length });
    expect(checks).toBeGreaterThan(1);
    await expectSound();
  });

  it('post once when the answer to a commit is lost', async () => {
    const proxy = await TcpProxy.start({ targetPort: Number(new URL(scene.url).port) });
    const database = openDatabase({ url: proxy.through(scene.url), applicationName: 'spec', poolSize: 1 });
    const ledger = new Ledger(database, { service: 'spec' });
    const [from = '', to = ''] = await scene.open({}, {});
    try {
      const ids = Array.from({ length: 20 }, () => newUuid());
      for (const id of ids) {
        const lost = proxy.cutAt({ at: 'reply', match: id });
        const result = await ledger.submit({ kind: 'POST', id, legs: move(from, to, 1n) });
        await lost;
        expect(codeOf(result)).toBe('replayed');
      }
      expect(await balanceOf(to)).toMatchObject({ posted: 20n, entries: 20n });
    } finally {
      await database.close();
      await proxy.close();
    }
    await expectSound();
  });
});

describe('random histories of two processes and the spec', () => {
  it('cross no bound, sum to zero, and are told alike by balances, entries and as of every moment', async () => {
    await fc.assert(
      fc.asyncProperty(randomHistory, async (plan) => {
        const history = await historyOf(scene, plan);
        const mine = history.jobs.filter((_job, index) => index % 3 === 2);
        const theirs = history.jobs.filter((_job, index) => index % 3 !== 2);
        const ours = Promise.all(
          mine.map((job) => scene.database.transaction((tx) => scene.ledger.execute(tx, job), { retries: 3 })),
        );
        const watch = history.watch();
        const results = [...(await onBoth(theirs, 8, 3)), ...(await ours)];
        expect(await watch.stop()).toBeGreaterThan(0);
        await history.expectTold(results, [...theirs, ...mine]);
        await expectSound();
      }),
      { numRuns: 10, endOnFailure: true },
    );
  }, 180_000);
});
