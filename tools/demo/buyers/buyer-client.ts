// The HTTP requests of one buyer: read the round, claim, pay. Every request is counted.
import type { CancellableWaits } from './cancellable-waits';
import { type Answer, type Call, Abandoned, type ConnectionPool } from './connection-pool';
import type { BuyerProfile } from './profiles';
import type { BuyersTask, Win } from './protocol';
import type { Statistics } from './statistics';

const REGION = 'CN-11';

/** The outcome of a claim request. */
export type ClaimOutcome =
  | { readonly kind: 'won'; readonly win: Win }
  | { readonly kind: 'refused'; readonly code: string; readonly retryAfterMs: number }
  | { readonly kind: 'unanswered' };

/** What all buyers share. */
export interface BuyersContext {
  readonly task: BuyersTask;
  /** Connections to read the round and to claim. */
  readonly pool: ConnectionPool;
  /** Connections to pay: winners do not wait behind buyers who are still claiming. */
  readonly paymentPool: ConnectionPool;
  readonly statistics: Statistics;
  readonly tokenOf: (buyerId: string) => string;
  /** Cancelled when everything is sold. */
  readonly waits: CancellableWaits;
}

/** The client of one buyer. */
export class BuyerClient {
  private readonly authorization: string;
  private readonly claimRequest: { readonly path: string; readonly body: string };

  constructor(
    readonly profile: BuyerProfile,
    private readonly context: BuyersContext,
  ) {
    const { task } = context;
    const item = task.items[profile.itemIndex];
    if (item === undefined) throw new Error(`There is no item ${profile.itemIndex}.`);
    this.authorization = `Bearer ${context.tokenOf(profile.id)}`;
    const body = { itemId: item.itemId, quantity: 1, regionCode: REGION, expectedTotal: item.price };
    this.claimRequest = { path: `/orders/v1/rounds/${task.roundId}/claims`, body: JSON.stringify(body) };
  }

  /** Reads the round. */
  async readRound(): Promise<void> {
    await this.send({ method: 'GET', path: `/orders/v1/rounds/${this.context.task.roundId}`, headers: {} });
  }

  /** Claims one unit. */
  async claim(key: string, abandonAfterMs?: number): Promise<ClaimOutcome> {
    const { statistics } = this.context;
    const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
    const answer = await this.send({
      method: 'POST',
      ...this.claimRequest,
      headers,
      ...(abandonAfterMs === undefined ? {} : { abandonAfterMs }),
    });
    if (answer === undefined) return { kind: 'unanswered' };
    const body = parse(answer.body);
    if (answer.status === 201) {
      const win = winOf(this.profile, key, body, answer);
      statistics.accept(win, answer.ms);
      return { kind: 'won', win };
    }
    const code = typeof body['code'] === 'string' ? body['code'] : `http-${answer.status}`;
    statistics.refuse(code, answer.ms);
    if (answer.status >= 500 && answer.status !== 503)
      statistics.noteUnexpected(`a claim was answered ${answer.status} ${code}`);
    return { kind: 'refused', code, retryAfterMs: 1_000 * Number(answer.headers['retry-after'] ?? 0) };
  }

  /** A POST to the buyer's own order. Returns the body of the answer, or undefined unless it is a success. */
  async command(path: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.exchange(this.context.paymentPool, {
      method: 'POST',
      path,
      headers: { authorization: this.authorization, 'idempotency-key': path.split('/').slice(-2).join('-') },
    });
    return answer !== undefined && answer.status < 300 ? parse(answer.body) : undefined;
  }

  /** Pays an intent with a token of the sandbox. Returns whether the sandbox accepted it. */
  async confirm(intentId: string, clientSecret: string, token: string): Promise<boolean> {
    const answer = await this.exchange(this.context.paymentPool, {
      method: 'POST',
      path: `/payments-sandbox/v1/intents/${intentId}/confirmation`,
      headers: { authorization: `Bearer ${clientSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    return answer !== undefined && answer.status < 300;
  }

  private send(call: Call): Promise<Answer | undefined> {
    return this.exchange(this.context.pool, {
      ...call,
      headers: { authorization: this.authorization, ...call.headers },
    });
  }

  private async exchange(pool: ConnectionPool, call: Call): Promise<Answer | undefined> {
    try {
      return await pool.send(call);
    } catch (error) {
      if (error instanceof Abandoned) this.context.statistics.abandoned += 1;
      else this.context.statistics.noteUnexpected(`${call.method} ${call.path} got no answer: ${String(error)}`);
      return undefined;
    }
  }
}

function winOf(profile: BuyerProfile, key: string, body: Record<string, unknown>, answer: Answer): Win {
  const total = body['total'] as { amount: number };
  return {
    buyerId: profile.id,
    key,
    kind: profile.kind,
    payment: profile.payment,
    itemId: String(body['itemId']),
    orderId: String(body['orderId']),
    quantity: Number(body['quantity']),
    total: total.amount,
    placedAt: String(body['placedAt']),
    expiresAt: String(body['expiresAt']),
    replayed: answer.headers['idempotent-replayed'] === 'true',
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
