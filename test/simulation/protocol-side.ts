// One side of the comparison between the model of Postgres and the real one: the classes of the service on a database. The
// gate is a recorder that gives both sides the same answers, and every report to it is compared.
import { idFromUuid, systemClock, uuidFromParts } from '@gravity/kernel';
import type { OutboxRelay } from '@gravity/messaging';
import type { Database } from '@gravity/persistence';
import { ClaimDecider } from '../../apps/orders/src/decision/claim-decider';
import { ServerClock } from '../../apps/orders/src/decision/server-clock';
import type { GateControl } from '../../apps/orders/src/gate/gate-control';
import { GateStateRepository } from '../../apps/orders/src/gate/gate-state.repository';
import { PendingSweeper } from '../../apps/orders/src/gate/pending-sweeper';
import type { GateAdmission, RedisGate, StaleNote } from '../../apps/orders/src/gate/redis-gate';
import { ReturnsWorker } from '../../apps/orders/src/gate/returns-worker';
import { PaymentsInquiry } from '../../apps/orders/src/payments-inquiry';
import { SaleDirectory, type SaleItem } from '../../apps/orders/src/sales/sale-directory';
import { OrdersRepository } from '../../apps/orders/src/storage/orders.repository';
import { CancelOrder } from '../../apps/orders/src/use-cases/cancel-order/cancel-order.use-case';
import { PlacedClaims } from '../../apps/orders/src/use-cases/place-claim/placed-claims';
import { PaymentSettler } from '../../apps/orders/src/use-cases/receive-payment-callback/payment-settler';
import { ExpiryWorker } from '../../apps/orders/src/workers/expiry';
import type { Sale } from '../../apps/orders/test/support/sale-fixture';
import { NO_PROVIDER, turnOf } from '../../tools/simulate/service-process';

/** Claims are numbered from 0; each number has its own claim, order and buyer. */
export const CLAIMS = 10;
const BUYERS = 3;

export interface ClaimCommand {
  readonly number: number;
  readonly item: number;
  readonly quantity: number;
  /** The difference between the claim's epoch and the current one. */
  readonly epochOff: number;
}

export type Command =
  | { readonly do: 'claim'; readonly batch: readonly ClaimCommand[] }
  | { readonly do: 'cancel' | 'expire'; readonly number: number }
  | { readonly do: 'returns' | 'load' | 'direct' | 'reconcile' }
  /** The sweeper finds the claim pending in the gate. */
  | { readonly do: 'sweep'; readonly number: number }
  /** Whether the gate accepts the following reports. */
  | { readonly do: 'gate'; readonly takesReports: boolean };

/** Direct access to the rows: expire an order, and read everything. */
export interface Rows {
  expire(orderId: string): Promise<void>;
  all(): Promise<unknown>;
}

export class ProtocolSide {
  private takesReports = true;
  private pending: StaleNote[] = [];
  private reports: unknown[] = [];
  private readonly states: GateStateRepository;
  private readonly decider: ClaimDecider;
  private readonly expiry: ExpiryWorker;
  private readonly cancellations: CancelOrder;
  private readonly placed: PlacedClaims;
  private readonly sweep: () => Promise<unknown>;
  private readonly applyReturns: () => Promise<unknown>;

  constructor(
    private readonly database: Database,
    private readonly sale: Sale,
    readonly rows: Rows,
  ) {
    const relay = { wake: () => undefined } as unknown as OutboxRelay;
    const control = { wakeReturns: () => undefined } as unknown as GateControl;
    const inquiry = new PaymentsInquiry(NO_PROVIDER);
    const settler = new PaymentSettler(database, control, relay);
    const clock = new ServerClock(database, systemClock);
    this.states = new GateStateRepository(database);
    this.decider = new ClaimDecider(database, clock, { batchMax: 256, queueMax: 1_000, onCommitted: () => undefined });
    this.expiry = new ExpiryWorker(database, settler, inquiry, control, relay);
    this.cancellations = new CancelOrder(database, new OrdersRepository(database), inquiry, settler, control, relay);
    this.placed = new PlacedClaims(database);
    this.sweep = turnOf(new PendingSweeper(database, this.gate()));
    this.applyReturns = turnOf(new ReturnsWorker(database, this.gate()));
  }

  /** The answer of a command, and the reports to the gate. */
  async run(next: Command): Promise<unknown> {
    this.reports = [];
    return { answer: await this.answer(next), reports: this.reports.map((report) => JSON.stringify(report)).sort() };
  }

  private async answer(next: Command): Promise<unknown> {
    switch (next.do) {
      case 'claim':
        return this.claim(next.batch);
      case 'cancel': {
        const result = await this.cancellations.execute(this.buyer(next.number), this.orderId(next.number));
        return result.ok ? result.value.status : result.error.code;
      }
      case 'expire':
        await this.rows.expire(this.orderId(next.number));
        return this.expiry.sweep();
      case 'returns':
        return this.applyReturns();
      case 'load': {
        const { items, ...snapshot } = (await this.states.beginLoad(this.sale.seriesId, 'run', undefined))!;
        // The times of the round come from different clocks.
        return sorted({ ...snapshot, items: items.map(({ opensAtMs: _opens, closesAtMs: _closes, ...item }) => item) });
      }
      case 'direct':
        return this.states.goDirect(this.sale.seriesId, undefined);
      case 'reconcile':
        return this.reconcile();
      case 'gate':
        return (this.takesReports = next.takesReports);
      case 'sweep': {
        const { epoch } = (await this.items())[0]!;
        const [claimId, buyerId] = [this.claimId(next.number), this.buyer(next.number)];
        this.pending = [{ claimId, quantity: 1, buyerId, admissionNumber: next.number, epoch }];
        return this.sweep();
      }
    }
  }

  private async claim(batch: readonly ClaimCommand[]): Promise<unknown> {
    const items = await this.items();
    const [{ admission, epoch }] = items as [SaleItem];
    const decided = await Promise.all(
      batch.map(({ number, item, quantity, epochOff }) =>
        this.decider.submit({
          ...this.keyOf(number),
          item: items[item]!,
          buyerId: this.buyer(number),
          quantity,
          epoch: admission === 'GATE' ? epoch + BigInt(epochOff) : epochOff === 0 ? null : epoch,
          admissionNumber: admission === 'GATE' ? number : null,
          regionCode: 'CN-11',
          paymentWindowMs: 60_000,
          traceparent: undefined,
        }),
      ),
    );
    const [{ number, quantity }] = batch as [ClaimCommand];
    const request = { buyerId: this.buyer(number), quantity };
    const found = await this.placed.find({ request, ...this.keyOf(number) });
    // The order of an accepted claim has times of different clocks.
    const outcomes = decided.map((decision) => (decision.outcome === 'ACCEPTED' ? { outcome: 'ACCEPTED' } : decision));
    return { outcomes, found: found?.ok === true ? found.value.order.orderId : found?.error.code };
  }

  private async reconcile(): Promise<unknown> {
    const passed = await this.states.passEpoch(this.sale.seriesId, 3n);
    const state = await this.states.admissionOf(this.sale.seriesId);
    const asked = [this.states.seriesToReload('run', -60_000), this.states.seriesToReload('another', 60_000)];
    const rows = (await Promise.all(asked)).flat().map(({ seriesId, epoch }) => `${seriesId} ${epoch}`);
    return [passed, `${state?.admission} ${state?.epoch}`, ...rows];
  }

  private async items(): Promise<SaleItem[]> {
    return [...(await new SaleDirectory(this.database, () => 0).refresh(this.sale.roundId))!.items.values()];
  }

  private gate(): RedisGate {
    return {
      stalePending: async (_series: string, itemId: string) => (itemId === this.sale.itemIds[0] ? this.pending : []),
      report: async (...[, itemId, claimId, { epoch, number }, verdict]: Report) => {
        this.reports.push([itemId, claimId, `${epoch}|${number ?? ''}`, verdict]);
        return this.takesReports;
      },
    } as unknown as RedisGate;
  }

  private keyOf(number: number) {
    const fingerprint = `same:${number}`;
    return {
      claimId: this.claimId(number),
      orderId: this.orderId(number),
      orderKey: this.orderKey(number),
      fingerprint,
    };
  }

  private readonly orderId = (number: number): string => uuidFromParts('order', this.sale.roundId, String(number));
  private readonly orderKey = (number: number): string => idFromUuid('order', this.orderId(number));
  private readonly claimId = (number: number): string => uuidFromParts('claim', this.sale.roundId, String(number));
  private readonly buyer = (number: number): string => `b_${this.sale.roundId}_${number % BUYERS}`;
}

type Report = [series: string, itemId: string, claimId: string, admission: GateAdmission, verdict: string];

/** Postgres returns rows in any order without `order by`. */
function sorted(value: Record<string, unknown>): unknown {
  const text = (part: unknown): string =>
    JSON.stringify(part, (_key, leaf: unknown) => (typeof leaf === 'bigint' ? String(leaf) : leaf));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, Array.isArray(part) ? part.map(text).sort() : text(part)]),
  );
}
