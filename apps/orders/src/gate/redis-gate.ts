// The gate's verbs over its scripts: claims and reports gather per item into one script call while another is under way.
import { GroupCommit } from '@gravity/persistence';
import { Injectable } from '@nestjs/common';
import type { GateItemView } from './gate-control';
import { GateConnection, GateUnavailable, type GateReply } from './gate-connection';
import { GATE_CODE, GATE_REPLY, gateKeys } from './gate-scripts';

const CLAIMS_PER_CALL = 128;
const CALLS_IN_FLIGHT = 2;
const CLAIMS_QUEUED_PER_ITEM = 20_000;
/** A dropped connection is back sooner than this. Leaving the gate would take a new epoch and two seconds. */
const RECONNECT_WITHIN_MS = 250;
const REPORTS_PER_CALL = 256;
const REPORTS_QUEUED_PER_ITEM = 100_000;
/** Unreported claims of an item per look. */
export const STALE_PER_LOOK = 100;

/** The gate that a question is for. A load into another server takes a new epoch. */
export interface GateInForce {
  readonly epoch: bigint;
  /** The server it was loaded into; undefined before the first load. */
  readonly runId: string | undefined;
}

export interface GateClaim {
  readonly claimId: string;
  readonly buyerId: string;
  readonly quantity: number;
}

/** The gate's answer to one claim. */
export type GateAnswer =
  | { readonly kind: 'admitted'; readonly admissionNumber: number }
  | { readonly kind: 'known'; readonly admissionNumber: number }
  | { readonly kind: 'sold-out'; readonly flagMs: number }
  | { readonly kind: 'not-open'; readonly nowMs: number; readonly opensAtMs: number }
  | { readonly kind: 'limit-reached' | 'already-won' | 'closed' | 'stopped' | 'other-quantity' }
  /** The gate as a whole cannot judge: nothing there, still loading, or under another epoch. */
  | { readonly kind: 'absent' | 'loading' }
  | { readonly kind: 'other-epoch'; readonly epoch: bigint };

export type Verdict = 'confirmed' | 'cancelled' | 'released';

/**
 * One admission of a claim; without a number, any admission of that epoch. Numbers start again with each load, so a
 * number means nothing without its epoch.
 */
export interface GateAdmission {
  readonly epoch: bigint;
  readonly number?: number | bigint;
}

interface Report {
  readonly claimId: string;
  /** As the script takes it. */
  readonly admission: string;
  readonly verdict: Verdict;
}

interface ItemQueues {
  readonly epoch: bigint;
  readonly claims: GroupCommit<GateClaim, GateAnswer>;
}

@Injectable()
export class RedisGate {
  private readonly claimQueues = new Map<string, ItemQueues>();
  private readonly reportQueues = new Map<string, GroupCommit<Report, boolean>>();

  constructor(private readonly connection: GateConnection) {}

  /** Asks the gate for one claim. Throws {@link GateUnavailable}, StaleRedisInstance among them, or QueueFullError. */
  claim(seriesId: string, itemId: string, inForce: GateInForce, claim: GateClaim): Promise<GateAnswer> {
    const { epoch } = inForce;
    let queues = this.claimQueues.get(itemId);
    // A batch is for one gate: a new epoch starts a new queue, the old one runs empty by itself.
    if (queues === undefined || queues.epoch !== epoch) {
      const keys = gateKeys(seriesId, itemId);
      const claims = new GroupCommit<GateClaim, GateAnswer>({
        name: 'gate-claims',
        batchMax: CLAIMS_PER_CALL,
        queueMax: CLAIMS_QUEUED_PER_ITEM,
        inFlightMax: CALLS_IN_FLIGHT,
        execute: (batch) => this.claimBatch(keys, inForce, batch),
      });
      queues = { epoch, claims };
      this.claimQueues.set(itemId, queues);
    }
    return queues.claims.submit(claim);
  }

  /**
   * Reports a decision on one admission. Resolves with false when it named no number and the gate is of another epoch.
   * Lost reports are found again: the sweeper finds a pending claim, the row in `gate_returns` a returned one. For the
   * latter the caller waits for the promise.
   */
  report(
    seriesId: string,
    itemId: string,
    claimId: string,
    admission: GateAdmission,
    verdict: Verdict,
  ): Promise<boolean> {
    let queue = this.reportQueues.get(itemId);
    if (queue === undefined) {
      const keys = gateKeys(seriesId, itemId);
      queue = new GroupCommit<Report, boolean>({
        name: 'gate-reports',
        batchMax: REPORTS_PER_CALL,
        queueMax: REPORTS_QUEUED_PER_ITEM,
        inFlightMax: 1,
        execute: (batch) => this.reportBatch(keys, batch),
      });
      this.reportQueues.set(itemId, queue);
    }
    return queue.submit({ claimId, admission: `${admission.epoch}|${admission.number ?? ''}`, verdict });
  }

  /**
   * The buyers with claims of a sold-out item and for how long a local flag may stand; undefined when it is not. Throws
   * {@link GateUnavailable}. Never asks a stale server, which lacks buyers.
   */
  async soldOut(
    seriesId: string,
    itemId: string,
    { epoch, runId }: GateInForce,
    mostClaims: number,
  ): Promise<{ flagMs: number; buyers: Set<string> } | undefined> {
    const [flagMs, ...notes] = await this.connection.runIn(
      runId,
      'gateSoldOut',
      gateKeys(seriesId, itemId),
      String(epoch),
      mostClaims,
    );
    if (Number(flagMs) <= 0) return undefined;
    return { flagMs: Number(flagMs), buyers: new Set(notes.map((note) => readNote(String(note)).buyerId)) };
  }

  /** See GateControl.view. */
  async view(seriesId: string, itemId: string): Promise<GateItemView | undefined> {
    const reply = await this.connection.run('gateView', gateKeys(seriesId, itemId));
    if (reply.length === 0) return undefined;
    const [epoch, state, available, claimed, ...notes] = reply;
    return {
      epoch: BigInt(epoch!),
      state: state as GateItemView['state'],
      available: Number(available),
      claimed: Number(claimed),
      pending: [...notesOf(notes)].map(({ claimId, quantity }) => ({ claimId, quantity })),
    };
  }

  /**
   * Claims admitted more than `olderThanMs` ago whose decision has not been reported; at most {@link STALE_PER_LOOK}.
   */
  async stalePending(seriesId: string, itemId: string, olderThanMs: number): Promise<StaleNote[]> {
    const keys = gateKeys(seriesId, itemId);
    const [epoch, ...notes] = await this.connection.run('gateStalePending', keys, olderThanMs, STALE_PER_LOOK);
    return [...notesOf(notes)].map((note) => ({ ...note, epoch: BigInt(epoch!) }));
  }

  async setState(seriesId: string, itemId: string, state: 'open' | 'stopped'): Promise<void> {
    await this.connection.run('gateSetState', gateKeys(seriesId, itemId), state);
  }

  /** Drops the queues of items that are over. */
  forget(itemIds: readonly string[]): void {
    for (const itemId of itemIds) {
      this.claimQueues.delete(itemId);
      this.reportQueues.delete(itemId);
    }
  }

  private async claimBatch(
    keys: readonly string[],
    { epoch, runId }: GateInForce,
    batch: readonly GateClaim[],
  ): Promise<GateAnswer[]> {
    const asked = batch.flatMap((claim) => [claim.claimId, claim.buyerId, claim.quantity]);
    const reply = await this.runTwice(runId, keys, [String(epoch), JSON.stringify(asked)]);
    switch (reply[0]) {
      case GATE_REPLY.ABSENT:
        return batch.map(() => ({ kind: 'absent' }));
      case GATE_REPLY.LOADING:
        return batch.map(() => ({ kind: 'loading' }));
      case GATE_REPLY.OTHER_EPOCH:
        return batch.map(() => ({ kind: 'other-epoch', epoch: BigInt(reply[1]!) }));
      default:
        return batch.map((_, index) => answerOf(reply, index));
    }
  }

  /** The script is idempotent by claim id, so one lost answer is asked for again before callers learn of it. */
  private async runTwice(
    runId: string | undefined,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<GateReply> {
    try {
      return await this.connection.runIn(runId, 'gateClaim', keys, ...args);
    } catch (error) {
      if (!(error instanceof GateUnavailable)) throw error;
      await this.connection.back(RECONNECT_WITHIN_MS);
      return this.connection.runIn(runId, 'gateClaim', keys, ...args);
    }
  }

  private async reportBatch(keys: readonly string[], batch: readonly Report[]): Promise<boolean[]> {
    const reports = batch.flatMap((report) => [report.claimId, report.admission, report.verdict]);
    const [applied, ...missed] = await this.connection.run('gateSettle', keys, JSON.stringify(reports));
    if (applied === 0) throw new GateUnavailable('the gate is loading');
    return batch.map((_, index) => !missed.includes(index + 1));
  }
}

export interface PendingNote {
  readonly claimId: string;
  readonly quantity: number;
  readonly buyerId: string;
  readonly admissionNumber: number;
}

/** A note with the epoch under which its claim was admitted. */
export interface StaleNote extends PendingNote {
  readonly epoch: bigint;
}

function* notesOf(values: readonly (string | number)[]): Generator<PendingNote> {
  for (let index = 0; index + 1 < values.length; index += 2) {
    yield { claimId: String(values[index]), ...readNote(String(values[index + 1])) };
  }
}

/** `quantity|buyer|admission` */
function readNote(note: string): Omit<PendingNote, 'claimId'> {
  const first = note.indexOf('|');
  const last = note.lastIndexOf('|');
  return {
    quantity: Number(note.slice(0, first)),
    buyerId: note.slice(first + 1, last),
    admissionNumber: Number(note.slice(last + 1)),
  };
}

function answerOf(reply: GateReply, index: number): GateAnswer {
  const code = reply[5 + index * 2];
  const admissionNumber = Number(reply[6 + index * 2]);
  switch (code) {
    case GATE_CODE.ADMITTED:
      return { kind: 'admitted', admissionNumber };
    case GATE_CODE.KNOWN:
      return { kind: 'known', admissionNumber };
    case GATE_CODE.SOLD_OUT:
      return { kind: 'sold-out', flagMs: Number(reply[4]) };
    case GATE_CODE.LIMIT_REACHED:
      return { kind: 'limit-reached' };
    case GATE_CODE.ALREADY_WON:
      return { kind: 'already-won' };
    case GATE_CODE.NOT_OPEN:
      return { kind: 'not-open', nowMs: Number(reply[1]), opensAtMs: Number(reply[3]) };
    case GATE_CODE.CLOSED:
      return { kind: 'closed' };
    case GATE_CODE.OTHER_QUANTITY:
      return { kind: 'other-quantity' };
    default:
      return { kind: 'stopped' };
  }
}
