// Claims as they come through a balancer: each says in X-Forwarded-For from which address it came.
import type { FaultCluster, FaultSale } from '@gravity/testing';
import { Agent, request } from 'undici';

/** Claims that wait hold theirs. */
const CONNECTIONS_PER_PROCESS = 1_024;

export interface Tap {
  readonly sale: FaultSale;
  readonly token: string;
  readonly key: string;
  /** The address that the balancer saw; what the client itself claims to be stands before it. */
  readonly address?: string;
  readonly target: string;
}

/** `201`, `409 sold-out`, `ECONNRESET` … */
export type TapAnswer = string;

/** Sends claims to the processes of a cluster. */
export class Crowd {
  private readonly agent = new Agent({ connections: CONNECTIONS_PER_PROCESS, pipelining: 1, headersTimeout: 30_000 });

  constructor(cluster: FaultCluster) {
    this.targets = cluster.nodes.map(({ process }) => process.url);
  }

  readonly targets: readonly string[];

  /** One request; never repeated, never rejects. */
  async tap({ sale, token, key, address, target }: Tap): Promise<TapAnswer> {
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

  /** Cuts the connections. */
  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** How often each answer was given. */
export function tally(answers: readonly TapAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
