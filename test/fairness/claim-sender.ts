// Sends claims as a balancer forwards them, with the client address in X-Forwarded-For.
import type { FaultCluster, FaultSale } from '@gravity/testing';
import { Agent, request } from 'undici';

/** A waiting claim occupies a connection. */
const CONNECTIONS_PER_PROCESS = 1_024;

export interface ClaimRequest {
  readonly sale: FaultSale;
  readonly token: string;
  readonly key: string;
  /** The value of X-Forwarded-For: the balancer appends the client address to the value of the client. */
  readonly address?: string;
  readonly target: string;
}

/** `201`, `409 sold-out`, `ECONNRESET` … */
export type ClaimAnswer = string;

/** Sends claims to the processes of a cluster. */
export class ClaimSender {
  private readonly agent = new Agent({ connections: CONNECTIONS_PER_PROCESS, pipelining: 1, headersTimeout: 30_000 });

  constructor(cluster: FaultCluster) {
    this.targets = cluster.nodes.map(({ process }) => process.url);
  }

  readonly targets: readonly string[];

  /** Sends one request without retry. Does not reject. */
  async send({ sale, token, key, address, target }: ClaimRequest): Promise<ClaimAnswer> {
    try {
      const answer = await request(`${target}/orders/v1/rounds/${sale.roundId}/claims`, {
        method: 'POST',
        dispatcher: this.agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
          ...(address === undefined ? {} : { 'x-forwarded-for': address }),
        },
        body: JSON.stringify({ itemId: sale.itemIds[0], quantity: 1, regionCode: 'CN-11' }),
      });
      const text = await answer.body.text();
      if (answer.statusCode === 201) return '201';
      return `${answer.statusCode} ${(JSON.parse(text) as { code: string }).code}`;
    } catch (error) {
      return String((error as { code?: string }).code ?? error);
    }
  }

  /** Closes the connections. */
  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** The number of times of each answer. */
export function countAnswers(answers: readonly ClaimAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
