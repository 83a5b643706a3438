// Goal: a claim that waits for the database is not decided once its caller has left: the caller asks again, perhaps
// elsewhere, and may be refused there. Method: an item locked by another transaction holds two decisions up, more
// claims wait behind them over HTTP and gRPC, and their callers leave.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { PROTO_LOADER_OPTIONS, protoPackage } from '@gravity/contracts';
import { idFromUuid, newUuid } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { ClaimDecider } from '../src/decision/claim-decider';
import { ClaimsService, roundIdOf } from './support/claims-service';
import type { Sale } from './support/sale-fixture';

/** Time for the end of a connection to arrive. */
const HEARD_WITHIN_MS = 300;

let service: ClaimsService;
let decider: ClaimDecider;

beforeAll(async () => {
  service = await ClaimsService.start('aborted-claim');
  decider = service.services.app.get(ClaimDecider, { strict: false });
});

afterAll(async () => service?.stop());

async function ordersOf(sale: Sale): Promise<string[]> {
  const rows = await service.database.query<{ buyer_id: string }>(
    'select buyer_id from orders where round_id = $1 order by buyer_id',
    [sale.roundId],
  );
  return rows.map((row) => row.buyer_id);
}

/** As many statements of the service wait for the item. */
const waiting = (count: number): Promise<unknown> =>
  eventually(async () => {
    const [row] = await service.database.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    expect(row!.n).toBe(count);
  });

interface Leaver {
  readonly key: string;
  readonly leave: () => void;
}

async function overHttp(sale: Sale, buyer: string): Promise<Leaver> {
  const caller = new AbortController();
  const key = newUuid();
  const token = await service.issuer.mint({ sub: buyer, roles: ['buyer'] });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key };
  const body = JSON.stringify({ itemId: idFromUuid('item', sale.itemIds[0]!), quantity: 1, regionCode: 'CN-11' });
  const url = `${service.services.url}/orders/v1/rounds/${roundIdOf(sale)}/claims`;
  void fetch(url, { method: 'POST', headers, body, signal: caller.signal }).catch(() => undefined);
  return { key, leave: () => caller.abort() };
}

async function overGrpc(client: Client, sale: Sale, buyer: string): Promise<Leaver> {
  const key = newUuid();
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await service.issuer.mint({ sub: buyer, roles: ['buyer'] })}`);
  const itemId = idFromUuid('item', sale.itemIds[0]!);
  const request = { roundId: roundIdOf(sale), itemId, quantity: 1, regionCode: 'CN-11', idempotencyKey: key };
  type Place = (request: object, metadata: Metadata, done: () => void) => { cancel: () => void };
  const place = (client as unknown as Record<'PlaceClaim', Place>).PlaceClaim;
  const call = place.call(client, request, metadata, () => undefined);
  return { key, leave: () => call.cancel() };
}

function grpcClient(): Client {
  const { protoPath, includeDirs } = protoPackage('orders');
  const loaded = loadPackageDefinition(
    loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] }),
  ) as unknown as { gravity: { orders: { v1: { ClaimService: ServiceClientConstructor } } } };
  return new loaded.gravity.orders.v1.ClaimService(service.services.grpcUrl!, credentials.createInsecure());
}

it('is not decided; asked again it is', async () => {
  const sale = await service.onSale({ quotas: [5] });
  const client = grpcClient();
  try {
    let leavers: Leaver[] = [];
    let inTime: Promise<unknown>[] = [];
    await service.database.transaction(async (tx) => {
      await tx.query('select from round_items where item_id = $1 for update', [sale.itemIds[0]]);
      inTime = [service.claim(sale, 'b_1')];
      await waiting(1);
      inTime.push(service.claim(sale, 'b_2'));
      await waiting(2);
      leavers = [await overHttp(sale, 'b_3'), await overGrpc(client, sale, 'b_4')];
      inTime.push(service.claim(sale, 'b_5'));
      await eventually(() => expect(decider.depth).toBe(3));
      leavers.forEach(({ leave }) => leave());
      await sleep(HEARD_WITHIN_MS);
    });
    expect(await Promise.all(inTime)).toMatchObject([{ status: 201 }, { status: 201 }, { status: 201 }]);
    await decider.drain();
    expect(await ordersOf(sale)).toEqual(['b_1', 'b_2', 'b_5']);
    const { status, body } = await service.claim(sale, 'b_3', { key: leavers[0]!.key });
    expect([status, body.buyerId]).toEqual([201, 'b_3']);
  } finally {
    client.close();
  }
});
