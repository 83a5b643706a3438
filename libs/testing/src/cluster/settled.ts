// Waits for the end of a fault: the gate is in force, agrees with Postgres, and no claim is in flight.
import { eventually } from '../eventually';
import type { FaultCluster } from './fault-cluster';
import type { FaultSale } from './fault-sale';
import type { ConservationItem } from './promises';

const SETTLE_WITHIN_MS = 60_000;

/** The gate's and Postgres' view of the sales, when the gate is in force and no claim is in flight. */
export async function settled(
  cluster: FaultCluster,
  sales: readonly FaultSale[],
  withinMs = SETTLE_WITHIN_MS,
): Promise<ConservationItem[]> {
  return eventually(
    async () => {
      const items: ConservationItem[] = [];
      for (const sale of sales) {
        const url = `${cluster.nodes[0]!.process.url}/orders/v1/rounds/${sale.roundId}/conservation`;
        items.push(...(await cluster.ask<{ items: ConservationItem[] }>(url)).items);
      }
      const restless = items.filter(
        ({ ok, exact, gate, postgres }) =>
          !ok || !exact || gate === null || gate.pending > 0 || gate.available !== postgres.available,
      );
      if (restless.length > 0) throw new Error(`not settled: ${JSON.stringify(restless)}\n${cluster.logs()}`);
      return items;
    },
    { withinMs },
  );
}
