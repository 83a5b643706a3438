// What a ledger is asked to do, and how a batch of it is handed to Postgres.
import { assert, AssertionFailure } from '@gravity/kernel';
import { LEDGER_AMOUNT_MAX } from './ledger-tables.sql';

/** Signed: what is added to the balance of an account, in its minor units. Never zero. */
export interface Leg {
  readonly accountId: string;
  readonly amount: bigint;
}

interface Described {
  /** A uuid that the client makes and keeps before it asks: the journal is posted once under it, however often it is sent. */
  readonly id: string;
  /** What it is about, for statements and for the owner of a reservation, for instance `checkout:chk_…`. No personal data. */
  readonly reference?: string | undefined;
  readonly reason?: string | undefined;
}

/** Moves amounts at once. The legs name an account once each and sum to zero per unit. */
export interface Post extends Described {
  readonly kind: 'POST';
  readonly legs: readonly Leg[];
}

/** Sets amounts aside until they are committed or voided. Once expired it can only be voided. */
export interface Reserve extends Described {
  readonly kind: 'RESERVE';
  readonly legs: readonly Leg[];
  /** From the decision, by Postgres' clock, in milliseconds. */
  readonly ttlMs: number;
}

/** Posts a reservation and gives back what is not posted. */
export interface Commit extends Described {
  readonly kind: 'COMMIT';
  readonly reservationId: string;
  /** For a part of it: accounts of the reservation, each with at most its amount. Default: the whole. */
  readonly legs?: readonly Leg[] | undefined;
}

/** Gives back a whole reservation, expired or not. */
export interface Void extends Described {
  readonly kind: 'VOID';
  readonly reservationId: string;
  /** Accept a reservation that is not known, and refuse it should it still arrive. Default false. */
  readonly tombstone?: boolean | undefined;
}

/** Corrects a POST or COMMIT by its opposite. */
export interface Reverse extends Described {
  readonly kind: 'REVERSE';
  readonly journalId: string;
  readonly reason: string;
}

export type LedgerCommand = Post | Reserve | Commit | Void | Reverse;

/** Journals that one statement decides at most: with it no sum of a batch leaves an int8. */
export const LEDGER_BATCH_MAX = 256;
const LEGS_MAX = 256;
const TEXT_MAX = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TTL_MS_MAX = 10 * 366 * 86_400_000;

/** The journal that a command resolves or reverses. */
export function originalOf(command: LedgerCommand): string | undefined {
  switch (command.kind) {
    case 'POST':
    case 'RESERVE':
      return undefined;
    case 'COMMIT':
    case 'VOID':
      return command.reservationId;
    case 'REVERSE':
      return command.journalId;
  }
}

/**
 * The arguments of `ledger_post`. Throws for what no caller may send: it is a bug, not a refusal. Arrays are written as literals
 * here: the driver would quote every number of them, which costs as much as the rest of a journal.
 */
export function postArguments(commands: readonly LedgerCommand[]): unknown[] {
  const legs = commands.map((command) => {
    check(command);
    return sortedLegs(command);
  });
  const flat = legs.flat();
  const accounts = [...new Set(flat.map(({ accountId }) => accountId))].sort();
  const places = new Map(accounts.map((accountId, index) => [accountId, index + 1]));
  const held = legs.flatMap((own, index) =>
    own.map(({ amount }) => (commands[index]!.kind === 'RESERVE' ? amount : 0n)),
  );
  let end = 0;
  return [
    literal(commands.map(({ id }) => id)),
    literal(
      commands.map((command) => (command.kind === 'VOID' && command.tombstone === true ? 'TOMBSTONE' : command.kind)),
    ),
    literal(commands.map((command) => originalOf(command) ?? null)),
    literal(commands.map((command) => (command.kind === 'RESERVE' ? command.ttlMs : null))),
    commands.map(({ reference }) => reference ?? null),
    commands.map(({ reason }) => reason ?? null),
    literal(legs.map((own) => (end += own.length))),
    literal(accounts),
    literal(legs.flatMap((own, index) => own.map(() => index + 1))),
    literal(flat.map(({ accountId }) => places.get(accountId)!)),
    literal(flat.map(({ accountId }) => accountId)),
    literal(flat.map(({ amount }) => amount)),
    literal(flat.map(({ amount }, index) => amount - held[index]!)),
    literal(held.map((amount) => (amount > 0n ? amount : 0n))),
    literal(held.map((amount) => (amount < 0n ? -amount : 0n))),
  ];
}

/** The accounts that commands name, and the journals whose accounts they touch. */
export function lockArguments(commands: readonly LedgerCommand[]): [string[], string[]] {
  const accounts = commands.flatMap((command) => sortedLegs(command).map(({ accountId }) => accountId));
  return [accounts, commands.flatMap((command) => originalOf(command) ?? [])];
}

/** An array of values that need no quotes: ids that were checked, numbers, kinds. */
function literal(values: readonly (string | number | bigint | null)[]): string {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) text += `${index === 0 ? '' : ','}${values[index] ?? 'NULL'}`;
  return `${text}}`;
}

/** In the order of the accounts, so that the same content is the same however its legs are written. */
function sortedLegs(command: LedgerCommand): readonly Leg[] {
  const legs = 'legs' in command ? (command.legs ?? []) : [];
  return legs.length < 2 ? legs : [...legs].sort((a, b) => (a.accountId < b.accountId ? -1 : 1));
}

function check(command: LedgerCommand): void {
  const { id, kind, reference = '', reason } = command;
  assertUuid(id, 'an id');
  assertUuid(originalOf(command) ?? id, `${id}: the id of the other journal`);
  assert(reference.length <= TEXT_MAX, `${id}: a reference has at most ${TEXT_MAX} characters`);
  assert((reason ?? '').length <= TEXT_MAX, `${id}: a reason has at most ${TEXT_MAX} characters`);
  if (kind === 'REVERSE') assert(command.reason !== '', `${id}: a reversal has a reason`);
  if (kind === 'RESERVE')
    assert(
      Number.isSafeInteger(command.ttlMs) && command.ttlMs > 0 && command.ttlMs <= TTL_MS_MAX,
      `${id}: a reservation lasts from one millisecond to ten years`,
    );
  if (!('legs' in command) || command.legs === undefined) return;
  const { legs } = command;
  assert(legs.length >= (kind === 'COMMIT' ? 1 : 2) && legs.length <= LEGS_MAX, `${id}: ${legs.length} legs`);
  assert(new Set(legs.map(({ accountId }) => accountId)).size === legs.length, `${id}: an account has one leg`);
  for (const { accountId, amount } of legs) {
    assertUuid(accountId, `${id}: the id of an account`);
    assert(amount !== 0n && amount <= LEDGER_AMOUNT_MAX && amount >= -LEDGER_AMOUNT_MAX, `${id}: a leg of ${amount}`);
  }
}

/** Lower case, as the kernel makes them. */
function assertUuid(text: string, what: string): void {
  if (!UUID.test(text)) throw new AssertionFailure(`${what} is no uuid`);
}

/**
 * Splits commands where one refers to another one before it, or repeats its id: each part is one call of `ledger_post`. Nearly
 * every batch is one part.
 */
export function independentParts(commands: readonly LedgerCommand[]): (readonly LedgerCommand[])[] {
  const parts: LedgerCommand[][] = [];
  let seen = new Set<string>();
  let part: LedgerCommand[] | undefined;
  for (const command of commands) {
    const original = originalOf(command);
    if (
      part === undefined ||
      part.length === LEDGER_BATCH_MAX ||
      seen.has(command.id) ||
      (original !== undefined && seen.has(original))
    ) {
      part = [];
      parts.push(part);
      seen = new Set();
    }
    part.push(command);
    seen.add(command.id);
    if (original !== undefined) seen.add(original);
  }
  return parts;
}
