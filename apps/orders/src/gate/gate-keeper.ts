// Keeps the gate equal to Postgres: loads it, rebuilds it after any loss, switches a series to DIRECT admission while
// Redis is away and back when it has returned. Every switch takes a new epoch, so two processes that disagree about
// Redis can never both have their claims accepted.
import { type Clock, monotonicMs, sleep } from '@gravity/kernel';
import type { Database } from '@gravity/persistence';
import type { GateConnection } from './gate-connection';
import { GateUnavailable } from './gate-connection';
import { GateControl, type GateItemView, type LateAdmission, type LateClaim } from './gate-control';
import { gateKeys, SOLD_OUT_FLAG_MS } from './gate-scripts';
import { type GateSnapshot, GateStateRepository } from './gate-state.repository';
import type { RedisGate } from './redis-gate';
import type { ReturnsWorker } from './returns-worker';

const ROWS_PER_CHUNK = 1_000;
/** Keys outlive their round by this long, for late retries and inspection. */
const KEEP_AFTER_CLOSE_MS = 3_600_000;
/** A series stays in DIRECT admission at least this long, so that a flapping Redis does not make it flap. */
const DIRECT_REST_MS = 2_000;

export class GateKeeper extends GateControl {
  private readonly state: GateStateRepository;
  private readonly loading = new Map<string, Promise<boolean>>();

  constructor(
    database: Database,
    private readonly connection: GateConnection,
    private readonly gate: RedisGate,
    private readonly returns: ReturnsWorker,
    private readonly clock: Clock,
    private readonly onSwitch: (seriesId: string, admission: 'GATE' | 'DIRECT', reason: string) => void = () =>
      undefined,
  ) {
    super();
    this.state = new GateStateRepository(database);
  }

  /** One load per series at a time in this process; a second caller waits for the first one's end. */
  override load(seriesId: string, observedEpoch?: bigint): Promise<boolean> {
    const running = this.loading.get(seriesId);
    if (running !== undefined) return running;
    const load = this.loadNow(seriesId, observedEpoch).finally(() => this.loading.delete(seriesId));
    this.loading.set(seriesId, load);
    return load;
  }

  /** Sends the claims of the series straight to Postgres, unless another process has moved the series on. */
  async goDirect(seriesId: string, observedEpoch: bigint | undefined, reason: string): Promise<void> {
    if (await this.state.goDirect(seriesId, observedEpoch)) this.onSwitch(seriesId, 'DIRECT', reason);
  }

  /** Finds series whose gate is on another server than this connection's, and loads them. For the recovery loop. */
  async reconcile(): Promise<number> {
    const runId = this.connection.runId;
    if (runId === undefined) return 0;
    const series = await this.state.seriesToReload(runId, DIRECT_REST_MS);
    // A load takes a new epoch and pauses DIRECT admission for a moment, so a server that hangs is no reason for it.
    if (series.length === 0 || !(await this.connection.answers())) return 0;
    for (const { seriesId, epoch } of series) await this.load(seriesId, epoch);
    return series.length;
  }

  override async setSelling(seriesId: string, itemIds: readonly string[], selling: boolean): Promise<void> {
    await this.whileAvailable(itemIds, (itemId) => this.gate.setState(seriesId, itemId, selling ? 'open' : 'stopped'));
  }

  override async forget(_seriesId: string, itemIds: readonly string[]): Promise<void> {
    // The keys carry their own expiry; late retries may still ask for claims of a round that has just ended.
    this.gate.forget(itemIds);
  }

  override wakeReturns(): void {
    this.returns.wake();
  }

  override async view(
    seriesId: string,
    itemIds: readonly string[],
  ): Promise<ReadonlyMap<string, GateItemView> | undefined> {
    const views = new Map<string, GateItemView>();
    try {
      for (const itemId of itemIds) {
        const view = await this.gate.view(seriesId, itemId);
        if (view !== undefined) views.set(itemId, view);
      }
    } catch (error) {
      if (error instanceof GateUnavailable) return undefined;
      throw error;
    }
    return views;
  }

  override async take(claim: LateClaim): Promise<LateAdmission> {
    const admission = await this.state.admissionOf(claim.seriesId);
    if (admission === undefined || admission.admission === 'DIRECT')
      return { admitted: true, epoch: null, admissionNumber: null };
    const answer = await this.gate.claim(claim.seriesId, claim.itemId, admission, claim);
    const admitted = answer.kind === 'admitted' || answer.kind === 'known';
    return { admitted, epoch: admission.epoch, admissionNumber: admitted ? BigInt(answer.admissionNumber) : null };
  }

  override settle(claim: LateClaim, { epoch, admissionNumber }: LateAdmission, confirmed: boolean): void {
    if (epoch === null || admissionNumber === null) return;
    const admission = { epoch, number: admissionNumber };
    // The sweeper settles the pending note of a lost report.
    this.gate
      .report(claim.seriesId, claim.itemId, claim.claimId, admission, confirmed ? 'confirmed' : 'cancelled')
      .catch(() => undefined);
  }

  private async loadNow(seriesId: string, observedEpoch: bigint | undefined): Promise<boolean> {
    const runId = this.connection.runId;
    if (runId === undefined) {
      await this.goDirect(seriesId, observedEpoch, 'Redis does not answer');
      return false;
    }
    const snapshot = await this.state.beginLoad(seriesId, runId, observedEpoch);
    if (snapshot === undefined) return true;
    // A first gate has no predecessor whose sold-out flags could still stand.
    const opensAt = snapshot.epoch > 1n ? monotonicMs() + SOLD_OUT_FLAG_MS : 0;
    try {
      const newerEpoch = await this.fill(seriesId, snapshot, opensAt);
      if (newerEpoch === undefined) this.onSwitch(seriesId, 'GATE', `loaded under epoch ${snapshot.epoch}`);
      // Usually another process has loaded it. An epoch that Postgres does not know has to be passed first.
      else if (await this.state.passEpoch(seriesId, newerEpoch)) return await this.loadNow(seriesId, newerEpoch);
      return true;
    } catch (error) {
      if (!(error instanceof GateUnavailable)) throw error;
      await this.goDirect(seriesId, snapshot.epoch, error.message);
      return false;
    }
  }

  /**
   * Fills the gate and opens it. Units that were free in the earlier gate rest until none of its sold-out flags can
   * stand. A gate that is not older than the snapshot stays as it is, and its epoch is returned.
   */
  private async fill(seriesId: string, snapshot: GateSnapshot, opensAt: number): Promise<bigint | undefined> {
    const epoch = String(snapshot.epoch);
    const anyItem = gateKeys(seriesId, 'none');
    const [begun, newerEpoch] = await this.connection.run('gateLoadBegin', anyItem, epoch);
    if (begun === 0) return BigInt(newerEpoch!);
    const now = this.clock.nowMs();
    const keepMs = (closesAtMs: number): number => Math.max(closesAtMs - now, 0) + KEEP_AFTER_CLOSE_MS;
    const keepSeriesMs = snapshot.items.reduce(
      (most, item) => Math.max(most, keepMs(item.closesAtMs)),
      KEEP_AFTER_CLOSE_MS,
    );
    const chunk = (keys: readonly string[], kind: string, ms: number, values: (string | number)[]): Promise<unknown> =>
      this.connection.run('gateLoadChunk', keys, epoch, kind, ms, ...values);

    for (const item of snapshot.items) {
      await chunk(gateKeys(seriesId, item.itemId), 'item', keepMs(item.closesAtMs), [
        'state',
        item.selling ? 'open' : 'stopped',
        'opensAt',
        item.opensAtMs,
        'closesAt',
        item.closesAtMs,
        'available',
        item.available,
        'cooling',
        0,
        'coolUntil',
        0,
        'claimed',
        item.claimed,
        'perBuyer',
        item.perBuyerLimit,
        'winLimit',
        item.winLimit,
        'admissions',
        0,
      ]);
    }
    for (const item of snapshot.items) {
      const claims = snapshot.claims.filter((claim) => claim.itemId === item.itemId);
      for (const rows of chunksOf(claims, ROWS_PER_CHUNK)) {
        const values = rows.flatMap((row) => [
          row.claimId,
          `${row.quantity}|${row.buyerId}|0`,
          row.buyerId,
          row.quantity,
        ]);
        await chunk(gateKeys(seriesId, item.itemId), 'claims', keepMs(item.closesAtMs), values);
      }
    }
    for (const rows of chunksOf(snapshot.wins, ROWS_PER_CHUNK)) {
      await chunk(
        anyItem,
        'wins',
        keepSeriesMs,
        rows.flatMap((row) => [row.buyerId, row.wins]),
      );
    }
    if (snapshot.items.some(({ available }) => available > 0)) await sleep(Math.max(0, opensAt - monotonicMs()));
    await chunk(anyItem, 'open', keepSeriesMs, []);
    return undefined;
  }

  /** Ends silently when Redis goes away: the watch reconciles the gate. */
  private async whileAvailable(itemIds: readonly string[], act: (itemId: string) => Promise<void>): Promise<void> {
    try {
      for (const itemId of itemIds) await act(itemId);
    } catch (error) {
      if (!(error instanceof GateUnavailable)) throw error;
    }
  }
}

function* chunksOf<T>(values: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}
