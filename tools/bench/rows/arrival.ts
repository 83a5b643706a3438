// A crowd arrives while the sale goes on: two thousand open a connection within a second and ask for the round, next to
// 256 that claim. How long until each has its first answer?
import { LeanConnection } from '../lean-client';
import { CROWD, DEEP_QUOTA, expectOnly, pick, type Reading, type RowKind, runLoad } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const ARRIVING = 2_000;
const WITHIN_MS = 1_000;
const STEP_MS = 10;
/** As patient as the app of a viewer. */
const PATIENCE_MS = 10_000;

export const ARRIVAL: readonly RowKind[] = [{ name: `arrival-${ARRIVING}`, measure: arrival }];

async function arrival(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const { orders } = system.services;
  const path = targets[0]!.path.replace(/\/claims$/, '');
  let waits: Promise<number[]> | undefined;
  const result = await runLoad(
    system,
    'arrival',
    { clients: CROWD, targets, services: [orders], measureMs: PATIENCE_MS },
    {
      counting: () => void (waits = arrive(orders.url, (n) => request(path, system.tokens[n % system.tokens.length]!))),
    },
  );
  expectOnly(result, '201');
  const heard = (await waits!).filter((ms) => ms < PATIENCE_MS).sort((a, b) => a - b);
  const at = (share: number): number => heard[Math.ceil(heard.length * share) - 1] ?? Infinity;
  return {
    clients: CROWD,
    ...pick(result),
    facts: {
      'arrived and were answered': heard.length,
      'first answer after ms, p50': at(0.5),
      'first answer after ms, p99': at(0.99),
    },
  };
}

/** For each of those who arrive: milliseconds from the first packet to the whole answer, infinite without one. */
async function arrive(url: URL, requestOf: (n: number) => string): Promise<number[]> {
  const waits: Promise<number>[] = [];
  const startedAt = performance.now();
  while (waits.length < ARRIVING) {
    const due = Math.min(ARRIVING, (ARRIVING * (performance.now() - startedAt)) / WITHIN_MS);
    while (waits.length < due) waits.push(firstAnswer(url, requestOf(waits.length)));
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return Promise.all(waits);
}

async function firstAnswer(url: URL, question: string): Promise<number> {
  const startedAt = performance.now();
  let connection: LeanConnection | undefined;
  const patience = new Promise<number>((resolve) => setTimeout(resolve, PATIENCE_MS, Infinity));
  const heard = LeanConnection.open(url.hostname, Number(url.port)).then(async (opened) => {
    connection = opened;
    const { status } = await opened.send(question);
    if (status !== 200) throw new Error(`answered ${status}`);
    return performance.now() - startedAt;
  });
  const waited = await Promise.race([heard.catch(() => Infinity), patience]);
  connection?.close();
  return waited;
}

function request(path: string, token: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n\r\n`;
}
