// The process of the load generator: N connections, each with one request at a time, for a fixed duration.
import { sleep } from '@gravity/kernel';
import { percentilesOf } from '../lib/percentiles';
import { HttpConnection, postRequest } from './http-connection';
import type { LoadOrder, LoadResult, OpenLoopOrder, OpenLoopResult } from './load';
import { OpenLoop } from './open-loop';

const CONNECT_AT_ONCE = 64;

let tokens: string[] = [];
let keys = 0;

const nextKey = (): string => `k${process.pid}-${(keys += 1)}`;

async function openAll(order: LoadOrder): Promise<HttpConnection[]> {
  const connections: HttpConnection[] = [];
  while (connections.length < order.clients) {
    const wave = Math.min(CONNECT_AT_ONCE, order.clients - connections.length);
    connections.push(
      ...(await Promise.all(
        Array.from({ length: wave }, (_, index) => {
          const { host, port } = order.servers[(connections.length + index) % order.servers.length]!;
          return HttpConnection.open(host, port);
        }),
      )),
    );
  }
  return connections;
}

async function run(order: LoadOrder): Promise<LoadResult> {
  const connections = await openAll(order);
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let counting = false;
  let stop = false;
  let next = order.firstBuyer;
  const oneClient = async (connection: HttpConnection): Promise<void> => {
    while (!stop) {
      const token = tokens[next++ % order.buyers]!;
      const target = order.targets[next % order.targets.length]!;
      const startedAt = performance.now();
      const { status } = await connection.send(postRequest(target.path, token, target.body, nextKey()));
      if (!counting) continue;
      latencies.push(performance.now() - startedAt);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const clients = connections.map((connection) => oneClient(connection));
  await sleep(order.warmUpMs);
  counting = true;
  process.send!({ event: 'counting' });
  const startedAt = performance.now();
  await sleep(order.measureMs);
  const elapsedMs = performance.now() - startedAt;
  counting = false;
  stop = true;
  process.send!({ event: 'counted' });
  await Promise.all(clients);
  for (const connection of connections) connection.close();
  return {
    perSecond: (latencies.length / elapsedMs) * 1_000,
    count: latencies.length,
    ...percentilesOf(latencies),
    statuses,
  };
}

interface Message {
  readonly tokens?: string[];
  readonly order?: LoadOrder;
  readonly openLoop?: OpenLoopOrder;
}

process.on('message', (message: Message) => {
  if (message.tokens !== undefined) tokens = message.tokens;
  let work: Promise<LoadResult | OpenLoopResult>;
  if (message.order !== undefined) work = run(message.order);
  else if (message.openLoop !== undefined) work = new OpenLoop(message.openLoop, tokens, nextKey).run();
  else return;
  work.then(
    (result) => process.send!({ event: 'done', result }),
    (error: unknown) => process.send!({ event: 'failed', message: String(error) }),
  );
});
