// Buyers who claim continuously during a fault, and the check of the promises afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkPromises,
  ClaimClient,
  ClaimHistory,
  type ClaimWish,
  describePromises,
  eventually,
  type FaultCluster,
  type FaultSale,
  type SeededRandom,
  settled,
} from '@gravity/testing';

const BUYERS = 1_500;
const CONCURRENT_BUYERS = 24;
const SETTLE_WITHIN_MS = 60_000;
/** The mean pause of a buyer, so that the sale lasts longer than the fault. */
const PAUSE_MS = 15;
/** The request timeout of a buyer's app. After it, the app uses another process. */
export const REQUEST_TIMEOUT_MS = 3_000;

export interface BuyerLoadOptions {
  readonly concurrentBuyers?: number;
  /** The share of winners who pay at once. */
  readonly payers?: number;
  /** Each request goes out twice, to different processes at once. */
  readonly doubled?: boolean;
  /** The request timeout in ms. After it, the buyer uses another process. */
  readonly patienceMs?: number;
}

/** Buyers claim until {@link end}; each repeats its claim with the same key until there is a definite answer. */
export class BuyerLoad {
  readonly history = new ClaimHistory();
  readonly client: ClaimClient;
  private stopped = false;
  private readonly workers: Promise<void>[] = [];
  private readonly payments: Promise<unknown>[] = [];
  private readonly targets: readonly string[];
  private keys = 0;

  constructor(
    readonly cluster: FaultCluster,
    readonly sale: FaultSale,
    private readonly random: SeededRandom,
    private readonly options: BuyerLoadOptions = {},
  ) {
    const { history } = this;
    this.targets = cluster.urls;
    const { patienceMs } = options;
    this.client = new ClaimClient({ targets: this.targets, history, random, tokenOf: cluster.tokenOf, patienceMs });
  }

  /** Starts the buyers. */
  start(): void {
    for (let worker = 0; worker < (this.options.concurrentBuyers ?? CONCURRENT_BUYERS); worker += 1)
      this.workers.push(this.buy());
  }

  /** A claim with a new key. */
  wish(buyerId = `b_${this.random.integer(1, BUYERS)}`): ClaimWish {
    this.keys += 1;
    const itemId = this.random.pick(this.sale.itemIds);
    return { buyerId, key: `${this.sale.roundId}-${this.keys}`, roundId: this.sale.roundId, itemId, quantity: 1 };
  }

  /** Starts no further claims; resolves when every buyer has an answer. */
  async end(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.workers);
    await Promise.all(this.payments);
  }

  /** Ends the buyers, waits until the system is at rest, and fails with a report when a promise is broken. */
  async check(): Promise<void> {
    await this.end();
    await this.client.close();
    await settleAndCheck(this.cluster, this.history, [this.sale]);
  }

  private async buy(): Promise<void> {
    while (!this.stopped) {
      const wish = this.wish();
      const targets = this.random.shuffled(this.targets);
      const doubled = this.options.doubled === true ? targets.slice(0, 2) : targets.slice(0, 1);
      const [outcome] = await Promise.all(doubled.map((target) => this.client.untilAnswered(wish, target)));
      if (outcome?.kind === 'ok' && this.random.chance(this.options.payers ?? 0)) {
        this.payments.push(this.pay(wish.buyerId, outcome.orderId));
      }
      await sleep(this.random.integer(0, 2 * PAUSE_MS));
    }
  }

  /** Pays an order, with retries. */
  private async pay(buyerId: string, orderId: string): Promise<void> {
    const token = await this.cluster.tokenOf(buyerId);
    const headers = { 'idempotency-key': `pay-${orderId}` };
    const intent = await eventually(
      () =>
        this.cluster.ask<{ payUrl: string; clientSecret: string }>(
          `${this.random.pick(this.targets)}/orders/v1/orders/${orderId}/payment-intents`,
          token,
          { method: 'POST', headers, signal: requestTimeout() },
        ),
      { withinMs: SETTLE_WITHIN_MS },
    );
    await eventually(
      () =>
        this.cluster.ask(intent.payUrl, intent.clientSecret, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ token: 'tok_approve' }),
          signal: requestTimeout(),
        }),
      { withinMs: SETTLE_WITHIN_MS },
    );
    await eventually(
      async () => {
        const url = `${this.random.pick(this.targets)}/orders/v1/orders/${orderId}`;
        const { status } = await this.cluster.ask<{ status: string }>(url, token, { signal: requestTimeout() });
        if (status !== 'PAID') throw new Error(`${orderId} is ${status}, not PAID`);
      },
      { withinMs: SETTLE_WITHIN_MS },
    );
  }
}

const requestTimeout = (): AbortSignal => AbortSignal.timeout(REQUEST_TIMEOUT_MS);

/** Waits until the system is at rest, and fails with a report when a promise is broken. */
export async function settleAndCheck(
  cluster: FaultCluster,
  history: ClaimHistory,
  sales: readonly FaultSale[],
): Promise<void> {
  const conservation = await settled(cluster, sales);
  const report = await checkPromises(cluster.sql, history, {
    roundIds: sales.map((sale) => sale.roundId),
    conservation,
  });
  if (!report.ok) throw new Error(`${describePromises(report, history)}\n${cluster.logs()}`);
}
