// Two thousand clients open a connection within a second and read the round, while 256 clients claim. Measures the time
// to the first answer of each.
import { sleep } from '@gravity/kernel';
import { percentilesOf } from '../../lib/percentiles';
import { HttpConnection } from '../http-connection';
import { CLIENTS, DEEP_QUOTA, expectOnly, loadResult, type Reading, type RowKind, runLoad } from '../row';
import { createBenchSale } from '../sale';
import type { BenchSystem } from '../system';

const ARRIVING = 2_000;
const WITHIN_MS = 1_000;
const STEP_MS = 10;
/** The timeout of a viewer's app. */
const TIMEOUT_MS = 10_000;

export const ARRIVAL: readonly RowKind[] = [{ name: `arrival-${ARRIVING}`, measure: arrival }];

async function arrival(system: BenchSystem): Promise<Reading> {
  const { targets } = await createBenchSale(system.database, { quota: DEEP_QUOTA });
  const { orders } = system.services;
  const path = targets[0]!.path.replace(/\/claims$/, '');
  let waits: Promise<number[]> | undefined;
  const result = await runLoad(
    system,
    'arrival',
    { clients: CLIENTS, targets, services: [orders], measureMs: TIMEOUT_MS },
    {
      counting: () =>
        void (waits = arrive(orders.url, (n) => getRequest(path, system.tokens[n % system.tokens.length]!))),
    },
  );
  expectOnly(result, '201');
  const answered = (await waits!).filter((ms) => ms < TIMEOUT_MS);
  const { p50Ms, p99Ms } = percentilesOf(answered);
  return {
    clients: CLIENTS,
    ...loadResult(result),
    facts: {
      'clients with an answer': answered.length,
      'first answer, p50 ms': p50Ms,
      'first answer, p99 ms': p99Ms,
    },
  };
}

/** For each client: milliseconds from the first packet to the complete answer, infinite without one. */
async function arrive(url: URL, requestOf: (n: number) => string): Promise<number[]> {
  const waits: Promise<number>[] = [];
  const startedAt = performance.now();
  while (waits.length < ARRIVING) {
    const due = Math.min(ARRIVING, (ARRIVING * (performance.now() - startedAt)) / WITHIN_MS);
    while (waits.length < due) waits.push(firstAnswer(url, requestOf(waits.length)));
    await sleep(STEP_MS);
  }
  return Promise.all(waits);
}

async function firstAnswer(url: URL, request: string): Promise<number> {
  const startedAt = performance.now();
  let connection: HttpConnection | undefined;
  const timeout = new Promise<number>((resolve) => setTimeout(resolve, TIMEOUT_MS, Infinity));
  const answer = HttpConnection.open(url.hostname, Number(url.port)).then(async (opened) => {
    connection = opened;
    const { status } = await opened.send(request);
    if (status !== 200) throw new Error(`answered ${status}`);
    return performance.now() - startedAt;
  });
  const waited = await Promise.race([answer.catch(() => Infinity), timeout]);
  connection?.close();
  return waited;
}

function getRequest(path: string, token: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n\r\n`;
}
