// One side of the comparison of what happens to orders after their claim: the service's classes over a database, with
// a provider and a gate that do as they are told.
import { idFromUuid, money, systemClock, uuidFromParts } from '@gravity/kernel';
import type { OutboxRelay } from '@gravity/messaging';
import type { Database } from '@gravity/persistence';
import { ClaimDecider } from '../../apps/orders/src/decision/claim-decider';
import { ServerClock } from '../../apps/orders/src/decision/server-clock';
import type { GateControl, LateClaim } from '../../apps/orders/src/gate/gate-control';
import { GateStateRepository } from '../../apps/orders/src/gate/gate-state.repository';
import { PendingSweeper } from '../../apps/orders/src/gate/pending-sweeper';
import type { GateAdmission, RedisGate, StaleNote } from '../../apps/orders/src/gate/redis-gate';
import { ReturnsWorker } from '../../apps/orders/src/gate/returns-worker';
import { lateClaimId } from '../../apps/orders/src/order-changes';
import { PaymentsInquiry } from '../../apps/orders/src/payments-inquiry';
import type { CreateIntent, IntentState, PaymentProvider } from '../../apps/orders/src/payments/payment-provider';
import { SaleDirectory, type SaleItem } from '../../apps/orders/src/sales/sale-directory';
import { OrdersRepository } from '../../apps/orders/src/storage/orders.repository';
import { CancelOrder } from '../../apps/orders/src/use-cases/cancel-order/cancel-order.use-case';
import { CreatePaymentIntent } from '../../apps/orders/src/use-cases/create-payment-intent/create-payment-intent.use-case';
import { PlacedClaims } from '../../apps/orders/src/use-cases/place-claim/placed-claims';
import { PaymentSettler } from '../../apps/orders/src/use-cases/receive-payment-callback/payment-settler';
import { ExpiryWorker } from '../../apps/orders/src/workers/expiry';
import { RefundsWorker } from '../../apps/orders/src/workers/refunds';
import type { Sale } from '../../apps/orders/test/support/sale-fixture';
import { UNIT_PRICE } from '../../tools/simulate/model-tables';

export const ORDERS = 5;
const BUYERS = 2;

export type Command =
  | { readonly do: 'claim'; readonly order: number }
  | { readonly do: 'open' | 'cancel'; readonly order: number }
  /** The provider's own state: paid, out of our reach, or back. */
  | { readonly do: 'pays' | 'provider-away' | 'provider-back'; readonly order: number }
  /** The provider tells of a payment of so many units, not always of those that were ordered; of none: it failed. */
  | { readonly do: 'told'; readonly order: number; readonly charge: number; readonly units: number }
  | { readonly do: 'expire' | 'expire-for-good'; readonly order: number }
  | { readonly do: 'refunds' }
  | GateCommand;

type GateCommand =
  | { readonly do: 'returns' | 'load' | 'direct' | 'mend' }
  | { readonly do: 'gate'; readonly admits: 'yes' | 'no' | 'stale' }
  | { readonly do: 'sweep'; readonly order: number; readonly late: boolean; readonly number: number };

/** What cannot be asked of a Database: to age an order, and to show everything that is committed. */
export interface Books {
  age(orderId: string, agoMs: number): Promise<void>;
  ageRefunds(): Promise<void>;
  all(): Promise<unknown>;
}

type Turn = { turn(signal: AbortSignal): Promise<unknown> };

export class MoneySide {
  private readonly intents = new Map<string, IntentState>();
  private providerAway = false;
  private admits: 'yes' | 'no' | 'stale' = 'yes';
  private stale: StaleNote[] = [];
  private heard: unknown[] = [];
  private readonly states: GateStateRepository;
  private readonly decider: ClaimDecider;
  private readonly settler: PaymentSettler;
  private readonly expiry: ExpiryWorker;
  private readonly cancelling: CancelOrder;
  private readonly opening: CreatePaymentIntent;
  private readonly refunds: RefundsWorker;

  constructor(
    private readonly database: Database,
    private readonly sale: Sale,
    readonly books: Books,
  ) {
    const relay = { wake: () => undefined } as unknown as OutboxRelay;
    const provider = this.provider();
    const gate = this.gateControl();
    const orders = new OrdersRepository(database);
    const inquiry = new PaymentsInquiry(provider);
    const clock = new ServerClock(database, systemClock);
    this.states = new GateStateRepository(database);
    this.decider = new ClaimDecider(database, clock, { batchMax: 256, queueMax: 1_000, onCommitted: () => undefined });
    this.settler = new PaymentSettler(database, gate, relay);
    this.expiry = new ExpiryWorker(database, this.settler, inquiry, gate, relay);
    this.cancelling = new CancelOrder(database, orders, inquiry, this.settler, gate, relay);
    this.opening = new CreatePaymentIntent(database, orders, provider, inquiry);
    this.refunds = new RefundsWorker(database, provider, this.settler);
  }

  /** What a caller hears, and what the gate is told. */
  async run(next: Command): Promise<unknown> {
    this.heard = [];
    return { answer: await this.answer(next), heard: this.heard.map((told) => JSON.stringify(told)).sort() };
  }

  private async answer(next: Command): Promise<unknown> {
    switch (next.do) {
      case 'claim':
        return this.claim(next.order);
      case 'open': {
        const result = await this.opening.execute(this.buyer(next.order), this.key(next.order));
        return result.ok ? result.value.payUrl : result.error.code;
      }
      case 'cancel': {
        const result = await this.cancelling.execute(this.buyer(next.order), this.key(next.order));
        return result.ok ? result.value.status : result.error.code;
      }
      case 'pays': {
        const [intentId, amount] = [this.intentId(next.order), money(BigInt(UNIT_PRICE), 'CNY')];
        if (this.intents.get(intentId)?.status !== 'PENDING') return 'refused';
        this.intents.set(intentId, { status: 'PAID', paidAmount: amount, chargeId: `charge 1 ${intentId}` });
        return 'paid';
      }
      case 'provider-away':
      case 'provider-back':
        this.providerAway = next.do === 'provider-away';
        return undefined;
      case 'told':
        return this.told(next.order, next.charge, next.units);
      case 'expire':
      case 'expire-for-good':
        await this.books.age(this.id(next.order), next.do === 'expire' ? 1_000 : 700_000);
        return this.expiry.sweep();
      case 'refunds':
        await this.books.ageRefunds();
        return this.refunds.sweep();
      default:
        return this.aboutGate(next);
    }
  }

  private async aboutGate(next: GateCommand): Promise<unknown> {
    switch (next.do) {
      case 'gate':
        return (this.admits = next.admits);
      case 'returns':
        return (new ReturnsWorker(this.database, this.gate()) as unknown as Turn).turn(new AbortController().signal);
      case 'load':
        return (await this.states.beginLoad(this.sale.seriesId, 'run', undefined))?.epoch.toString();
      case 'direct':
        return this.states.goDirect(this.sale.seriesId, undefined);
      case 'mend': {
        const passed = await this.states.passEpoch(this.sale.seriesId, 3n);
        const state = await this.states.admissionOf(this.sale.seriesId);
        const asked = [this.states.seriesToMend('run', -60_000), this.states.seriesToMend('another', 60_000)];
        const rows = (await Promise.all(asked)).flat().map(({ seriesId, epoch }) => `${seriesId} ${epoch}`);
        return [passed, `${state?.admission} ${state?.epoch}`, ...rows];
      }
      case 'sweep': {
        const { epoch } = await this.item();
        const claimId = next.late ? lateClaimId(this.id(next.order)) : this.claimId(next.order);
        const note = { claimId, quantity: 1, buyerId: this.buyer(next.order), admissionNumber: next.number, epoch };
        this.stale = [note];
        return (new PendingSweeper(this.database, this.gate()) as unknown as Turn).turn(new AbortController().signal);
      }
    }
  }

  private async claim(order: number): Promise<unknown> {
    const item = await this.item();
    const fingerprint = `same:${order}`;
    const known = { claimId: this.claimId(order), orderId: this.id(order), orderKey: this.key(order), fingerprint };
    const request = { buyerId: this.buyer(order), quantity: 1 };
    const { outcome } = await this.decider.submit({
      ...{ ...known, ...request, item, regionCode: 'CN-11', paymentWindowMs: 60_000, traceparent: undefined },
      epoch: item.admission === 'GATE' ? item.epoch : null,
      admissionNumber: item.admission === 'GATE' ? order + 1 : null,
    });
    const placed = await new PlacedClaims(this.database).find({ request, ...known });
    return [outcome, placed?.ok === true && placed.value.order.orderId];
  }

  private told(order: number, charge: number, units: number): Promise<unknown> {
    const intentId = this.intentId(order);
    const chargeId = `charge ${charge} ${intentId}`;
    return this.settler
      .settle({
        kind: units === 0 ? 'failed' : 'succeeded',
        orderId: this.id(order),
        charge: { intentId, chargeId, amount: money(BigInt(units * UNIT_PRICE), 'CNY') },
        event: { provider: 'sandbox', eventId: `event ${units} ${chargeId}`, type: 'payment.succeeded' },
      })
      .catch((error: Error) => error.message);
  }

  private async item(): Promise<SaleItem> {
    return [...(await new SaleDirectory(this.database, () => 0).refresh(this.sale.roundId))!.items.values()][0]!;
  }

  private provider(): PaymentProvider {
    const reached = (): void => {
      if (this.providerAway) throw new Error('away');
    };
    const stateOf = (id: string): IntentState => this.intents.get(id) ?? { status: 'UNKNOWN' };
    return {
      createIntent: async ({ idempotencyKey }: CreateIntent) => {
        const intentId = `intent ${idempotencyKey}`;
        if (!this.intents.has(intentId)) this.intents.set(intentId, { status: 'PENDING' });
        return { intentId, payUrl: `pay ${intentId}`, status: 'PENDING' };
      },
      queryIntents: async (ids: readonly string[]) => {
        reached();
        return new Map(ids.map((id) => [id, stateOf(id)]));
      },
      cancelIntent: async (id: string) => {
        reached();
        if (stateOf(id).status === 'PENDING') this.intents.set(id, { status: 'CANCELLED' });
        return stateOf(id);
      },
      refund: async ({ idempotencyKey }: { idempotencyKey: string }) => {
        reached();
        return { refundId: `refund ${idempotencyKey}`, status: 'SUCCEEDED' };
      },
    } as unknown as PaymentProvider;
  }

  private gateControl(): GateControl {
    return {
      wakeReturns: () => undefined,
      take: async (claim: LateClaim) => {
        const { admission, epoch } = await this.item();
        if (admission === 'DIRECT') return { admitted: true, epoch: null, admissionNumber: null };
        if (this.admits === 'no') return { admitted: false, epoch, admissionNumber: null };
        this.heard.push(['take', claim.claimId]);
        return { admitted: true, epoch: this.admits === 'stale' ? epoch - 1n : epoch, admissionNumber: 1n };
      },
      settle: (claim: LateClaim, _admission: unknown, kept: boolean) => this.heard.push([claim.claimId, kept]),
    } as unknown as GateControl;
  }

  private gate(): RedisGate {
    return {
      stalePending: async () => this.stale,
      report: async (
        _series: string,
        itemId: string,
        claimId: string,
        { epoch, number }: GateAdmission,
        verdict: string,
      ) => {
        this.heard.push([itemId, claimId, `${epoch}|${number ?? ''}`, verdict]);
        return this.admits !== 'stale';
      },
    } as unknown as RedisGate;
  }

  private readonly id = (order: number): string => uuidFromParts('order', this.sale.roundId, String(order));
  private readonly key = (order: number): string => idFromUuid('order', this.id(order));
  private readonly claimId = (order: number): string => uuidFromParts('claim', this.sale.roundId, String(order));
  private readonly buyer = (order: number): string => `b_${this.sale.roundId}_${order % BUYERS}`;
  private readonly intentId = (order: number): string => `intent ${this.key(order)}`;
}
