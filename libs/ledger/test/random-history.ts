// Random histories: a few accounts with bounds, and commands that refer to each other, in jobs of one or several.
import { newUuid } from '@gravity/kernel';
import fc from 'fast-check';
import type { LedgerCommand, LedgerResult } from '../src';
import { type LedgerScene, move } from './ledger.fixture';

const ACCOUNTS = 6;

interface Step {
  readonly kind: LedgerCommand['kind'];
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  /** Which earlier step is resolved or reversed, as a share of those before. */
  readonly original: number;
  readonly ttlMs: number;
  readonly part: boolean;
}

interface Plan {
  readonly bounds: readonly number[];
  readonly steps: readonly Step[];
  /** How many commands the jobs have, in turn. */
  readonly sizes: readonly number[];
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('POST', 'POST', 'RESERVE', 'RESERVE', 'RESERVE', 'COMMIT', 'COMMIT', 'VOID', 'REVERSE'),
  from: fc.nat(ACCOUNTS - 1),
  to: fc.nat(ACCOUNTS - 2),
  amount: fc.integer({ min: 1, max: 60 }),
  original: fc.double({ min: 0, max: 0.999, noNaN: true }),
  ttlMs: fc.constantFrom(15, 600_000, 600_000),
  part: fc.boolean(),
});

export const randomHistory: fc.Arbitrary<Plan> = fc.record({
  bounds: fc.array(fc.integer({ min: 0, max: 120 }), { minLength: ACCOUNTS, maxLength: ACCOUNTS }),
  steps: fc.array(step, { minLength: 120, maxLength: 240 }),
  sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 20 }),
});

/** A history on accounts of its own. */
export interface History {
  readonly jobs: readonly (readonly LedgerCommand[])[];
  /** Looks at the balances again and again until it is stopped; resolves with the number of looks, rejects at a look that is wrong. */
  watch(): { stop(): Promise<number> };
  /** Holds what the ledger tells against these results of these jobs. */
  expectTold(results: readonly (readonly LedgerResult[])[], jobs: readonly (readonly LedgerCommand[])[]): Promise<void>;
}

/** Opens the accounts and makes the commands. */
export async function historyOf(scene: LedgerScene, { bounds, steps, sizes }: Plan): Promise<History> {
  const accounts = await scene.open(
    ...bounds.map((bound) => ({ lowerBound: BigInt(-bound), upperBound: BigInt(bound * 2) })),
  );
  const commands: LedgerCommand[] = [];
  for (const planned of steps) commands.push(commandOf(planned, accounts, commands));
  const jobs: LedgerCommand[][] = [];
  for (let at = 0, turn = 0; at < commands.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    jobs.push(commands.slice(at, at + size));
    at += size;
  }
  return {
    jobs,
    watch: () => watch(scene, accounts, bounds),
    expectTold: (results, ran) => expectTold(scene, accounts, ran.flat(), results.flat()),
  };
}

function watch(
  scene: LedgerScene,
  accounts: readonly string[],
  bounds: readonly number[],
): { stop(): Promise<number> } {
  let stopped = false;
  const look = async (): Promise<void> => {
    const seen = await scene.ledger.balances(scene.database, accounts);
    const all = accounts.map((account) => seen.get(account)!);
    all.forEach(({ posted, pendingIn, pendingOut }, index) => {
      expect(posted - pendingOut).toBeGreaterThanOrEqual(BigInt(-bounds[index]!));
      expect(posted + pendingIn).toBeLessThanOrEqual(BigInt(bounds[index]! * 2));
    });
    expect(all.reduce((sum, { posted }) => sum + posted, 0n)).toBe(0n);
    expect(all.reduce((sum, { pendingIn, pendingOut }) => sum + pendingIn - pendingOut, 0n)).toBe(0n);
  };
  const looks = (async () => {
    let count = 0;
    for (; !stopped || count === 0; count += 1) await look();
    return count;
  })();
  looks.catch(() => undefined);
  return {
    stop: () => {
      stopped = true;
      return looks;
    },
  };
}

function commandOf(planned: Step, accounts: readonly string[], before: readonly LedgerCommand[]): LedgerCommand {
  const others = accounts.filter((_account, index) => index !== planned.from);
  const legs = move(accounts[planned.from]!, others[planned.to]!, BigInt(planned.amount));
  const base = { id: newUuid(), legs };
  const pick = (...kinds: LedgerCommand['kind'][]): LedgerCommand | undefined => {
    const fitting = before.filter(({ kind }) => kinds.includes(kind));
    return fitting[Math.floor(planned.original * fitting.length)];
  };
  switch (planned.kind) {
    case 'POST':
      return { kind: 'POST', ...base };
    case 'RESERVE':
      return { kind: 'RESERVE', ...base, ttlMs: planned.ttlMs };
    case 'COMMIT': {
      const reserved = pick('RESERVE');
      const part =
        planned.part && reserved?.kind === 'RESERVE'
          ? reserved.legs.map(({ accountId, amount }) => ({ accountId, amount: amount > 0n ? 1n : -1n }))
          : undefined;
      return { kind: 'COMMIT', id: base.id, reservationId: reserved?.id ?? newUuid(), legs: part };
    }
    case 'VOID':
      return { kind: 'VOID', id: base.id, reservationId: pick('RESERVE')?.id ?? newUuid(), tombstone: planned.part };
    case 'REVERSE':
      return { kind: 'REVERSE', id: base.id, journalId: pick('POST', 'COMMIT')?.id ?? newUuid(), reason: 'random' };
  }
}

async function expectTold(
  scene: LedgerScene,
  accounts: readonly string[],
  commands: readonly LedgerCommand[],
  results: readonly LedgerResult[],
): Promise<void> {
  const { database, ledger } = scene;
  // Exactly what was accepted is recorded; the acceptance of a void may be a tombstone under the reservation's id.
  const found = await database.transaction((tx) =>
    ledger.journals(
      tx,
      commands.map(({ id }) => id),
    ),
  );
  commands.forEach((command, index) => {
    const result = results[index]!;
    const journal = found.get(command.id);
    if (journal?.kind === 'TOMBSTONE') return;
    if (command.kind === 'VOID' && command.tombstone === true && journal === undefined) return;
    expect({ command, recorded: journal !== undefined }).toEqual({ command, recorded: result.ok });
    if (result.ok && command.kind !== 'VOID') expect(journal!.at).toEqual(result.value.at);
  });
  // As of the time of any journal, the balances are the sum of what was posted until then.
  const lines = await Promise.all(
    accounts.map((account) => database.transaction((tx) => ledger.statement(tx, account, { limit: 1_000 }))),
  );
  const times = [...new Set(lines.flat().map(({ at }) => at.getTime()))];
  for (const ms of times.filter((_time, index) => index % 7 === 0)) {
    const then = await database.transaction((tx) => ledger.balancesAt(tx, accounts, new Date(ms)));
    accounts.forEach((account, index) => {
      const until = lines[index]!.filter(({ at }) => at.getTime() <= ms);
      const sum = (of: 'posted' | 'heldIn' | 'heldOut'): bigint => until.reduce((total, line) => total + line[of], 0n);
      expect(then.get(account)).toMatchObject({
        posted: sum('posted'),
        pendingIn: sum('heldIn'),
        pendingOut: sum('heldOut'),
      });
    });
    const total = [...then.values()].reduce((sum, { posted }) => sum + posted, 0n);
    expect(total).toBe(0n);
  }
}
