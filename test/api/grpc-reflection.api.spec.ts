// Goal: a client that has no .proto file can list, describe and call every service, as grpcurl does. Method: a client that
// speaks the reflection protocol by raw messages, in both versions, to all services in one process and to each alone. The
// files it is given must be complete: every import is there, and every type is declared in a file or in its imports.
import { Metadata, status } from '@grpc/grpc-js';
import { bootServices, type RunningServices } from '@gravity/service';
import { SERVICES } from '../../apps/services';
import { ApiStack } from './api-stack';
import { missingFrom } from './described-types';
import { metadataWith } from './grpc-methods';
import { type ReflectedService, ReflectionClient, type ReflectionVersion } from './reflection-client';
import { type Fixtures, createFixtures } from './fixtures';

const VERSIONS: readonly ReflectionVersion[] = ['v1', 'v1alpha'];
const OWN: Readonly<Record<string, readonly string[]>> = {
  catalog: ['gravity.catalog.v1.CatalogService'],
  orders: ['gravity.orders.v1.ClaimService', 'gravity.orders.v1.OrderService'],
};
const PLATFORM = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];
/** A call ended in one of these was answered by the method, not by a client or server that could not read it. */
const ANSWERED = [
  status.OK,
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
];

let stack: ApiStack;
let scene: Fixtures;
const open: { close(): void }[] = [];

const reflection = (address: string, version: ReflectionVersion): ReflectionClient => {
  const client = new ReflectionClient(address, version);
  open.push(client);
  return client;
};

const serviceOf = async (client: ReflectionClient, name: string): Promise<ReflectedService> => {
  const service = await client.clientOf(name);
  open.push(service);
  return service;
};

beforeAll(async () => {
  stack = await ApiStack.start('grpc-reflection');
  scene = await createFixtures(stack);
}, 120_000);

afterAll(async () => {
  for (const client of open) client.close();
  await stack?.stop();
});

/** Lists, describes and calls everything at an address; gives what it found fault with. */
async function walk(address: string, version: ReflectionVersion, own: readonly string[]): Promise<void> {
  const client = reflection(address, version);
  expect(await client.list()).toEqual([...own, ...PLATFORM].sort());
  for (const name of [...own, ...PLATFORM]) {
    const files = await client.describe(name);
    expect([name, missingFrom(files)]).toEqual([name, []]);
    for (const file of files.values()) {
      expect((await client.fileByName(file.name))?.bytes.equals(file.bytes)).toBe(true);
    }
    const service = await serviceOf(client, name);
    for (const method of service.methods) {
      const { error } = await service.call(method, {}, new Metadata());
      expect([`${name}/${method}`, ANSWERED.includes(error?.code ?? status.OK), error?.details]).toEqual([
        `${name}/${method}`,
        true,
        error?.details,
      ]);
    }
  }
}

describe.each(VERSIONS)('reflection %s', (version) => {
  it('lists, describes and calls every service of a process that has them all', async () => {
    await walk(stack.running.grpcUrl!, version, Object.values(OWN).flat());
  });

  it.each(Object.keys(OWN))('lists, describes and calls the services of %s alone', async (name) => {
    let alone: RunningServices | undefined;
    try {
      const service = SERVICES.find((declaration) => declaration.name === name)!;
      alone = await bootServices([service], { env: stack.env, port: 0, grpcPort: 0 });
      await walk(alone.grpcUrl!, version, OWN[name]!);
    } finally {
      await alone?.close();
    }
  });

  it('gives what real calls need: times, money, maps and absent fields', async () => {
    // Descriptors carry the names of the .proto files: snake_case.
    const client = reflection(stack.running.grpcUrl!, version);
    const catalog = await serviceOf(client, 'gravity.catalog.v1.CatalogService');
    const operator = metadataWith(await stack.token('operator'));
    const { body: found } = await catalog.call('GetProduct', { product_id: scene.productId }, operator);
    expect(found.product).toMatchObject({ id: scene.productId, created_at: { nanos: expect.any(Number) } });
    expect(Number(found.product.created_at.seconds)).toBeGreaterThan(1_700_000_000);
    const { body: page } = await catalog.call('ListSkus', { shop_id: scene.shopId, listed: true }, operator);
    expect(page.skus.length).toBeGreaterThan(0);

    const orders = await serviceOf(client, 'gravity.orders.v1.OrderService');
    const buyer = metadataWith(await stack.token('buyer', scene.ownerBuyer));
    const { body: order } = await orders.call('GetOrder', { order_id: scene.orderId }, buyer);
    expect(order.order).toMatchObject({ id: scene.orderId });

    const claims = await serviceOf(client, 'gravity.orders.v1.ClaimService');
    const claim = { round_id: scene.openRoundId, item_id: scene.openItemId, quantity: 1, region_code: 'CN-11' };
    const caller = metadataWith(await stack.token('buyer', `reflected-${version}`));
    const placed = await claims.call('PlaceClaim', { ...claim, idempotency_key: `reflected-${version}-0001` }, caller);
    expect([placed.error?.details, placed.body?.order?.round_id]).toEqual([undefined, scene.openRoundId]);

    const health = await serviceOf(client, 'grpc.health.v1.Health');
    const { body: state } = await health.call('Check', { service: '' }, new Metadata());
    expect(['SERVING', 'NOT_SERVING']).toContain(state.status);
  });

  it('refuses symbols and files that do not exist', async () => {
    const client = reflection(stack.running.grpcUrl!, version);
    await expect(client.describe('gravity.orders.v1.OrdersService')).rejects.toThrow(/not found/i);
    await expect(client.fileByName('gravity/none.proto')).rejects.toThrow(/not found/i);
  });
});

it('a set of files that lacks an import is found out', async () => {
  const client = reflection(stack.running.grpcUrl!, 'v1');
  const files = await client.describe('gravity.orders.v1.OrderService');
  files.delete('google/protobuf/timestamp.proto');
  expect(missingFrom(files)).toContain('gravity/orders/v1/orders.proto: google/protobuf/timestamp.proto');
});
