// Buyers over real HTTP. Each outcome goes into the history. A buyer without a definite answer repeats the request with
// the same key, as the API demands.
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { ClaimAttempt, ClaimHistory, ClaimOutcome, ClaimWish } from './history';
import type { SeededRandom } from './seed';

const LONGEST_REST_MS = 200;
const GIVE_UP_AFTER_MS = 60_000;
const PATIENCE_MS = 15_000;
const CONNECTIONS_PER_TARGET = 256;
/** Statuses that are no definite answer. */
const COME_AGAIN: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const REFUSED = /ECONNREFUSED/;

export interface ClaimClientOptions {
  /** Base URLs of the processes that take claims. */
  readonly targets: readonly string[];
  readonly history: ClaimHistory;
  readonly random: SeededRandom;
  /** The token of a buyer. */
  readonly tokenOf: (buyerId: string) => string | Promise<string>;
  readonly regionCode?: string;
  /** Longest wait for an answer; after it, the request counts as unanswered. */
  readonly patienceMs?: number;
}

/** Sends claims to several processes and writes every answer into the history; draws its choices from one seed. */
export class ClaimClient {
  private readonly agent: Agent;

  constructor(private readonly options: ClaimClientOptions) {
    const patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.agent = new Agent({
      connections: CONNECTIONS_PER_TARGET,
      pipelining: 1,
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
    });
  }

  /** One request; its outcome is in the history too. Never rejects. */
  async once(wish: ClaimWish, target: string): Promise<ClaimOutcome> {
    this.options.history.invoked(wish);
    const token = await this.options.tokenOf(wish.buyerId);
    const sentAtMs = performance.now();
    const outcome = await this.send(wish, target, token);
    const attempt: ClaimAttempt = { target, sentAtMs, answeredAtMs: performance.now(), outcome };
    this.options.history.answered(wish, attempt);
    return outcome;
  }

  /** Repeats under the same key, at any of the targets, until there is a definite answer or a minute has passed. */
  async untilAnswered(wish: ClaimWish, first?: string): Promise<ClaimOutcome> {
    const { random, targets } = this.options;
    const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
    let outcome = await this.once(wish, first ?? random.pick(targets));
    while (outcome.kind !== 'ok' && outcome.kind !== 'refused' && performance.now() < giveUpAt) {
      await sleep(random.integer(LONGEST_REST_MS / 4, LONGEST_REST_MS));
      outcome = await this.once(wish, random.pick(targets));
    }
    return outcome;
  }

  /** Cuts the connections. Requests in flight fail. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async send(wish: ClaimWish, target: string, token: string): Promise<ClaimOutcome> {
    try {
      const answer = await request(`${target}/orders/v1/rounds/${wish.roundId}/claims`, {
        method: 'POST',
        dispatcher: this.agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': wish.key,
        },
        body: JSON.stringify({
          itemId: wish.itemId,
          quantity: wish.quantity,
          regionCode: this.options.regionCode ?? 'CN-11',
        }),
      });
      return outcomeOf(answer.statusCode, answer.headers, await answer.body.text());
    } catch (error) {
      const reason = (error as { code?: string }).code ?? String(error);
      return { kind: REFUSED.test(reason) ? 'not-sent' : 'unknown', reason };
    }
  }
}

function outcomeOf(status: number, headers: Record<string, string | string[] | undefined>, text: string): ClaimOutcome {
  if (status === 201) {
    const order = JSON.parse(text) as { orderId: string; total: { amount: number } };
    const replayed = headers['idempotent-replayed'] === 'true';
    return { kind: 'ok', orderId: order.orderId, totalMinor: order.total.amount, replayed, body: text };
  }
  const problem = readProblem(text);
  if (!COME_AGAIN.has(status)) return { kind: 'refused', status, code: problem.code ?? `status ${status}` };
  const retryAfter = headers['retry-after'];
  return { kind: 'later', status, code: problem.code ?? `status ${status}`, retryAfter: retryAfter?.toString() };
}

function readProblem(text: string): { code?: string } {
  try {
    return JSON.parse(text) as { code?: string };
  } catch {
    return {};
  }
}
