// What every buyer can do: look, tap, pay. One HTTP request each, counted.
import { type Answer, type Call, Abandoned, type Lanes } from './lanes';
import type { Buyer } from './casting';
import type { ClosingTime } from './closing-time';
import type { CrowdBrief, Win } from './protocol';
import type { Tally } from './tally';

const REGION = 'CN-11';

/** How a tap ended. */
export type TapOutcome =
  | { readonly kind: 'won'; readonly win: Win }
  | { readonly kind: 'refused'; readonly code: string; readonly retryAfterMs: number }
  | { readonly kind: 'unanswered' };

/** The parts all persons share. */
export interface Scene {
  readonly brief: CrowdBrief;
  /** Connections for looking and tapping. */
  readonly lanes: Lanes;
  /** Connections for winners, who do not stand in line behind those who are still trying. */
  readonly payLanes: Lanes;
  readonly tally: Tally;
  readonly tokenOf: (buyerId: string) => string;
  /** Called when there is nothing left to wait for. */
  readonly closing: ClosingTime;
}

/** One buyer at the keyboard. */
export class Person {
  private readonly authorization: string;
  private readonly claim: { readonly path: string; readonly body: string };

  constructor(
    readonly buyer: Buyer,
    private readonly scene: Scene,
  ) {
    const { brief } = scene;
    const item = brief.items[buyer.wants];
    if (item === undefined) throw new Error(`There is no item ${buyer.wants}.`);
    this.authorization = `Bearer ${scene.tokenOf(buyer.id)}`;
    const body = { itemId: item.itemId, quantity: 1, regionCode: REGION, expectedTotal: item.price };
    this.claim = { path: `/orders/v1/rounds/${brief.roundId}/claims`, body: JSON.stringify(body) };
  }

  /** Opens the page of the round. */
  async look(): Promise<void> {
    await this.send({ method: 'GET', path: `/orders/v1/rounds/${this.scene.brief.roundId}`, headers: {} });
  }

  /** Claims one unit. */
  async tap(key: string, abandonAfterMs?: number): Promise<TapOutcome> {
    const { tally } = this.scene;
    const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
    const answer = await this.send({
      method: 'POST',
      ...this.claim,
      headers,
      ...(abandonAfterMs === undefined ? {} : { abandonAfterMs }),
    });
    if (answer === undefined) return { kind: 'unanswered' };
    const body = parse(answer.body);
    if (answer.status === 201) {
      const win = winOf(this.buyer, key, body, answer);
      tally.accept(win, answer.ms);
      return { kind: 'won', win };
    }
    const code = typeof body['code'] === 'string' ? body['code'] : `http-${answer.status}`;
    tally.refuse(code, answer.ms);
    if (answer.status >= 500 && answer.status !== 503) tally.surprise(`a claim was answered ${answer.status} ${code}`);
    return { kind: 'refused', code, retryAfterMs: 1_000 * Number(answer.headers['retry-after'] ?? 0) };
  }

  /** A POST about the buyer's own order; the answer's body, or undefined when it was no success. */
  async command(path: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.exchange(this.scene.payLanes, {
      method: 'POST',
      path,
      headers: { authorization: this.authorization, 'idempotency-key': path.split('/').slice(-2).join('-') },
    });
    return answer !== undefined && answer.status < 300 ? parse(answer.body) : undefined;
  }

  /** Pays an intent with a token of the sandbox. Answers whether the sandbox took it. */
  async confirm(intentId: string, clientSecret: string, token: string): Promise<boolean> {
    const answer = await this.exchange(this.scene.payLanes, {
      method: 'POST',
      path: `/payments-sandbox/v1/intents/${intentId}/confirmation`,
      headers: { authorization: `Bearer ${clientSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    return answer !== undefined && answer.status < 300;
  }

  private send(call: Call): Promise<Answer | undefined> {
    return this.exchange(this.scene.lanes, {
      ...call,
      headers: { authorization: this.authorization, ...call.headers },
    });
  }

  private async exchange(lanes: Lanes, call: Call): Promise<Answer | undefined> {
    try {
      return await lanes.send(call);
    } catch (error) {
      if (error instanceof Abandoned) this.scene.tally.abandoned += 1;
      else this.scene.tally.surprise(`${call.method} ${call.path} got no answer: ${String(error)}`);
      return undefined;
    }
  }
}

function winOf(buyer: Buyer, key: string, body: Record<string, unknown>, answer: Answer): Win {
  const total = body['total'] as { amount: number };
  return {
    buyerId: buyer.id,
    key,
    kind: buyer.kind,
    pays: buyer.pays,
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
