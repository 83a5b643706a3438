// The buyers of a chaos run. They claim, retry after an unknown outcome, pay in every way that the provider knows or not at
// all, and request orders of other buyers. Every answer is recorded here, outside the services.
import { setTimeout as sleep } from 'node:timers/promises';
import { ClaimClient, ClaimHistory, type ClaimWish, type FaultSale, openSale, SeededRandom } from '@gravity/testing';
import { weighted } from '../lib/random';
import type { World } from './world';

const CONCURRENT_BUYERS = 12;
const BUYERS = 400;
const PAUSE_MS = 40;
const NEW_SALE_EVERY_MS = 10_000;
const QUOTAS = [150, 80] as const;
const PAYMENT_WINDOW_SECONDS = 6;
const PAY_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 4_000;
const RETRY_MS = 200;
/** Live orders of one buyer in a series. */
export const WIN_LIMIT = 3;

/** The payment tokens with their weights; undefined is no payment. */
const PAYMENT_TOKENS: readonly (readonly [number, string | undefined])[] = [
  [25, undefined],
  [35, 'tok_approve'],
  [8, 'tok_callback_twice'],
  [8, 'tok_callbacks_out_of_order'],
  [6, 'tok_callback_lost'],
  [6, 'tok_callback_late:3'],
  [6, 'tok_unknown'],
  [6, 'tok_approve_late_force:8'],
];

/** Runs the buyers of a chaos run. */
export class Buyers {
  readonly history = new ClaimHistory();
  readonly sales: FaultSale[] = [];
  /** Orders that were shown to another buyer (P7). */
  readonly leaks: string[] = [];
  private readonly client: ClaimClient;
  private readonly random: SeededRandom;
  private readonly workers: Promise<void>[] = [];
  private readonly payments = new Set<Promise<void>>();
  private ended = false;
  private keys = 0;

  constructor(
    private readonly world: World,
    seed: number,
  ) {
    this.random = new SeededRandom(seed);
    const { history, random } = this;
    this.client = new ClaimClient({ targets: world.cluster.urls, history, random, tokenOf: world.cluster.tokenOf });
  }

  /** Opens the first sale and starts the buyers. */
  async start(): Promise<void> {
    await this.openNext();
    this.workers.push(this.keepOpening());
    for (let worker = 0; worker < CONCURRENT_BUYERS; worker += 1) this.workers.push(this.buy());
  }

  /** Starts no further buyers; resolves when every buyer has an answer. */
  async end(): Promise<void> {
    this.ended = true;
    await Promise.all(this.workers);
    await Promise.all(this.payments);
  }

  /** One more claim after all faults. Resolves with the kind of the answer. */
  async lastBuyer(): Promise<string> {
    await this.openNext();
    return (await this.client.untilAnswered(this.wish())).kind;
  }

  /** Closes the sockets. */
  close(): Promise<void> {
    return this.client.close();
  }

  private async openNext(): Promise<void> {
    const options = {
      quotas: QUOTAS,
      perBuyerLimit: 2,
      winLimit: WIN_LIMIT,
      paymentWindowSeconds: PAYMENT_WINDOW_SECONDS,
    };
    this.sales.push(await openSale(this.world.cluster.sql, options));
  }

  private async keepOpening(): Promise<void> {
    let openedAt = performance.now();
    while (!this.ended) {
      await sleep(RETRY_MS);
      if (performance.now() - openedAt < NEW_SALE_EVERY_MS) continue;
      // Postgres may be unavailable. No buyer gets an incomplete sale.
      await this.openNext().then(
        () => (openedAt = performance.now()),
        () => undefined,
      );
    }
  }

  private wish(): ClaimWish {
    const sale = this.sales.at(-1);
    if (sale === undefined) throw new Error('no sale is open');
    this.keys += 1;
    const buyerId = `b_${this.random.integer(1, BUYERS)}`;
    const itemId = this.random.pick(sale.itemIds);
    return { buyerId, key: `${sale.roundId}-${this.keys}`, roundId: sale.roundId, itemId, quantity: 1 };
  }

  private async buy(): Promise<void> {
    const { random, client } = this;
    while (!this.ended) {
      const wish = this.wish();
      const targets = random.shuffled(this.world.cluster.urls).slice(0, random.chance(0.3) ? 2 : 1);
      const [outcome] = await Promise.all(targets.map((target) => client.untilAnswered(wish, target)));
      if (outcome?.kind === 'ok') {
        // The repeated request must get the same answer.
        if (random.chance(0.3)) await client.untilAnswered(wish);
        const token = weighted(() => random.next(), PAYMENT_TOKENS);
        if (random.chance(0.1)) this.track(this.requestForeignOrder(outcome.orderId, wish.buyerId));
        if (token !== undefined) this.track(this.pay(wish.buyerId, outcome.orderId, token));
      }
      await sleep(random.integer(0, 2 * PAUSE_MS));
    }
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.payments.delete(tracked));
    this.payments.add(tracked);
  }

  private async pay(buyerId: string, orderId: string, token: string): Promise<void> {
    const bearer = await this.world.cluster.tokenOf(buyerId);
    const headers = { 'idempotency-key': `pay-${orderId}` };
    const intent = await this.retry((base) =>
      send(`${base}/orders/v1/orders/${orderId}/payment-intents`, bearer, { method: 'POST', headers }),
    );
    if (intent?.status !== 201) return;
    const { payUrl, clientSecret } = JSON.parse(intent.text) as { payUrl: string; clientSecret: string };
    const body = JSON.stringify({ token });
    const json = { 'content-type': 'application/json' };
    await this.retry(() => send(payUrl, clientSecret, { method: 'POST', headers: json, body }));
  }

  /** Requests the order as another buyer, who must not see it during any fault. */
  private async requestForeignOrder(orderId: string, ownerId: string): Promise<void> {
    const bearer = await this.world.cluster.tokenOf(`${ownerId}_rival`);
    const answer = await this.retry((base) => send(`${base}/orders/v1/orders/${orderId}`, bearer));
    if (answer?.status === 200) this.leaks.push(`${orderId} of ${ownerId} was shown to another buyer`);
  }

  /** Repeats the request until the answer does not ask to retry, or the time is over. */
  private async retry(request: (base: string) => Promise<Answer>): Promise<Answer | undefined> {
    const until = performance.now() + PAY_WITHIN_MS;
    while (performance.now() < until) {
      const answer = await request(this.random.pick(this.world.cluster.urls)).catch(() => undefined);
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
      await sleep(RETRY_MS);
    }
    return undefined;
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(url: string, bearer: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { authorization: `Bearer ${bearer}`, ...init.headers };
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(REQUEST_WITHIN_MS) });
  return { status: response.status, text: await response.text() };
}
