// decide_claims and the reads of the claim path, as effects on rows. `model-postgres.int.spec.ts` compares them with Postgres.
import { type ItemRow, ModelSqlError, type Session, type StoredOrder, UNIT_PRICE } from './model-tables';

/** Bugs of the model, for the specs that show that the simulation finds them. */
export interface PostgresMutation {
  /** The decision ignores the epoch. */
  readonly ignoresEpoch?: boolean;
  /** The decision ignores tombstones. */
  readonly ignoresTombstones?: boolean;
  /** The answer to a decision leaves before its commit. */
  readonly acknowledgesBeforeCommit?: boolean;
  /** A load reads the counters without waiting for decisions under way. */
  readonly loadsWithoutLocks?: boolean;
}

export interface Statement {
  readonly name: string;
  /** Locks in the order in which they are taken: each stage waits for all of its own. */
  readonly locks?: readonly ((session: Session, params: readonly unknown[]) => string[])[];
  readonly run: (session: Session, params: readonly unknown[], nowMs: number) => object[];
}

interface Input {
  readonly ordinal: number;
  readonly claimId: string;
  readonly orderId: string;
  readonly itemId: string;
  readonly buyerId: string;
  readonly quantity: number;
  readonly epoch: string | null;
  readonly admission: string | null;
  readonly fingerprint: string;
}

const SKEW_MS = 2_000;

export const itemLock = (itemId: string): string => `item ${itemId}`;
export const winsLock = (seriesId: string, buyerId: string): string => `wins ${seriesId} ${buyerId}`;
export const winsKey = (seriesId: string, buyerId: string): string => `${seriesId} ${buyerId}`;
export const tombstoneKey = (claimId: string, epoch: string, admission: string): string =>
  `${claimId} ${epoch} ${admission}`;

/** True while the order holds its units. */
export const isLive = (order: StoredOrder): boolean => order.status === 'AWAITING_PAYMENT';

/** Units of the buyer's live orders of an item. */
function unitsOf(session: Session, itemId: string, buyerId: string): number {
  return session
    .all('orders')
    .filter((order) => order.item_id === itemId && order.buyer_id === buyerId && isLive(order))
    .reduce((sum, order) => sum + order.quantity, 0);
}

export const available = (item: ItemRow): number => item.quota - item.held;

/** The statement of the claim decision. */
export function decideClaims(mutation: PostgresMutation): Statement {
  return {
    name: 'decide-claims',
    locks: [
      (_session, params) => inputsOf(params).map((input) => itemLock(input.itemId)),
      // Rows with a unique key that another transaction may be inserting: the insert would wait for it.
      (session, params) =>
        inputsOf(params).flatMap((input) => [
          `claim ${input.claimId}`,
          winsLock(session.get('items', input.itemId)!.series_id, input.buyerId),
        ]),
    ],
    run: (session, params, nowMs) => decide(session, params, nowMs, mutation),
  };
}

function decide(session: Session, params: readonly unknown[], nowMs: number, mutation: PostgresMutation): object[] {
  const decidedAtMs = Date.parse(params[14] as string);
  // The function reads the clock before it waits for the items.
  if (Math.abs((session.arrivedMs ?? nowMs) - decidedAtMs) > SKEW_MS)
    throw new ModelSqlError('GV001', 'decided at another time');
  const inputs = inputsOf(params);
  const freeBefore = new Map(inputs.map(({ itemId }) => [itemId, available(session.get('items', itemId)!)]));
  const buyers = new Set<string>();
  const running = new Map<string, number>();
  const ranked = inputs.map((input) => {
    const repeated = buyers.has(input.buyerId);
    buyers.add(input.buyerId);
    const refusal = refusalOf(session, input, repeated, nowMs, mutation);
    if (refusal === undefined) running.set(input.itemId, (running.get(input.itemId) ?? 0) + input.quantity);
    const fits = refusal === undefined && running.get(input.itemId)! <= freeBefore.get(input.itemId)!;
    return { input, refusal, fits };
  });
  const taken = ranked.filter(({ input, fits }) => fits && win(session, input));
  for (const { input } of taken) place(session, input, decidedAtMs);
  const freed = new Set(ranked.filter((row) => row.fits && !taken.includes(row)).map(({ input }) => input.itemId));
  const refused = ranked
    .filter((row) => !taken.includes(row))
    .map(({ input, refusal, fits }) => {
      const free = freeBefore.get(input.itemId)!;
      const known = refusal === 'REPLAYED' ? knownOf(session, input.claimId) : undefined;
      const rest = freed.has(input.itemId) || (free > 0 && input.quantity <= free) ? 'RETRY' : 'SOLD_OUT';
      return {
        ordinal: input.ordinal,
        accepted: null,
        outcome: refusal ?? (fits ? 'ALREADY_WON' : rest),
        existing_order_id: known?.order_id ?? null,
        existing_fingerprint: known?.fingerprint ?? null,
        existing_live: known === undefined ? null : isLive(known),
        existing_item_id: known?.item_id ?? null,
      };
    });
  const none = { existing_order_id: null, existing_fingerprint: null, existing_live: null, existing_item_id: null };
  return [{ ordinal: 0, accepted: taken.length, outcome: null, ...none }, ...refused];
}

function refusalOf(
  session: Session,
  input: Input,
  repeated: boolean,
  nowMs: number,
  mutation: PostgresMutation,
): string | undefined {
  const item = session.get('items', input.itemId)!;
  const round = session.get('rounds', item.round_id)!;
  if (knownOf(session, input.claimId) !== undefined) return 'REPLAYED';
  if (repeated) return 'RETRY';
  const inForce = item.admission === 'GATE' ? String(item.epoch) : null;
  if (input.epoch !== inForce && mutation.ignoresEpoch !== true) return 'STALE_EPOCH';
  const tombstone = tombstoneKey(input.claimId, String(input.epoch), String(input.admission));
  if (session.get('tombstones', tombstone) !== undefined && mutation.ignoresTombstones !== true) return 'TOMBSTONED';
  if (!item.selling) return nowMs >= round.closes_ms ? 'CLOSED' : 'NOT_SELLING';
  if (input.epoch === null && nowMs < round.opens_ms) return 'NOT_OPEN';
  if (input.epoch === null && nowMs >= round.closes_ms) return 'CLOSED';
  const units = unitsOf(session, input.itemId, input.buyerId);
  return input.quantity + units > item.per_buyer_limit ? 'LIMIT_REACHED' : undefined;
}

/** Counts the buyer's win; false when there would be one too many. */
function win(session: Session, input: Input): boolean {
  const { series_id, round_id } = session.get('items', input.itemId)!;
  const limit = session.get('rounds', round_id)!.win_limit;
  if (limit === null) return true;
  const key = winsKey(series_id, input.buyerId);
  const row = session.get('wins', key);
  if (row !== undefined && row.wins >= limit) return false;
  session.put('wins', key, { series_id, buyer_id: input.buyerId, wins: (row?.wins ?? 0) + 1 });
  return true;
}

function place(session: Session, input: Input, decidedAtMs: number): void {
  const item = session.get('items', input.itemId)!;
  const round = session.get('rounds', item.round_id)!;
  session.put('orders', input.orderId, {
    order_id: input.orderId,
    claim_id: input.claimId,
    fingerprint: input.fingerprint,
    buyer_id: input.buyerId,
    series_id: item.series_id,
    round_id: item.round_id,
    item_id: input.itemId,
    quantity: input.quantity,
    status: 'AWAITING_PAYMENT',
    close_reason: null,
    placed_ms: decidedAtMs,
    expires_ms: decidedAtMs + round.payment_window_seconds * 1_000,
    closed_ms: null,
    sequence: 1,
  });
  moveItem(session, input.itemId, { held: item.held + input.quantity });
}

/** Changes an item's counters as its CHECKs allow. */
export function moveItem(session: Session, itemId: string, columns: Partial<ItemRow>): void {
  session.put('items', itemId, columns);
  const { held, quota } = session.get('items', itemId)!;
  if (held < 0 || held > quota)
    throw new ModelSqlError('23514', 'never_oversold: a counter of the item is out of bounds');
}

function knownOf(session: Session, claimId: string) {
  return session.all('orders').find((order) => order.claim_id === claimId);
}

/** A statement that waits for its locks is examined at every step; its parameters are read once. */
const inputsRead = new WeakMap<readonly unknown[], readonly Input[]>();

function inputsOf(params: readonly unknown[]): readonly Input[] {
  let inputs = inputsRead.get(params);
  if (inputs === undefined) inputsRead.set(params, (inputs = readInputs(params)));
  return inputs;
}

function readInputs(params: readonly unknown[]): Input[] {
  const [claims, orders, items, buyers, quantities, epochs, admissions, fingerprints] = params
    .slice(0, 8)
    .map((literal) => listOf(literal as string));
  return claims!.map((claimId, index) => ({
    ordinal: index + 1,
    claimId: claimId!,
    orderId: orders![index]!,
    itemId: items![index]!,
    buyerId: buyers![index]!,
    quantity: Number(quantities![index]),
    epoch: epochs![index]!,
    admission: admissions![index]!,
    fingerprint: fingerprints![index]!,
  }));
}

/** The values of an array literal whose values contain neither commas nor quotes. */
function listOf(literal: string): (string | null)[] {
  return literal
    .slice(1, -1)
    .split(',')
    .map((value) => (value === 'NULL' ? null : value.replaceAll('"', '')));
}

/** The columns of an OrderRow. */
export function orderColumns(session: Session, orderId: string): object[] {
  const order = session.get('orders', orderId);
  if (order === undefined) return [];
  return [
    {
      ...order,
      paid_ms: null,
      merchant_id: order.item_id,
      shop_id: order.item_id,
      total_minor: String(UNIT_PRICE * order.quantity),
      currency: 'CNY',
      lines: [],
    },
  ];
}
