// Goal: whatever bytes a gRPC client sends, the status is one of ours, never an internal one, and a refused call has
// changed nothing. Method: messages made from the .proto files, written on the wire by hand, to every method; the
// contents of every table are compared around each refusal. A failing run prints its seed.
import { type Metadata, status as numbers } from '@grpc/grpc-js';
import { ERRORS } from '@gravity/contracts';
import { newUuid } from '@gravity/kernel';
import { type SeededRandom, seeded } from '@gravity/testing';
import { ApiStack } from './api-stack';
import { deepGroups, FuzzedMessages, type GoodValues } from './fuzzed-messages';
import { type GrpcAnswer, GrpcMethods, metadataWith } from './grpc-methods';
import { type Scene, setScene } from './scene';

const CALLS_PER_METHOD = Number(process.env['FC_RUNS'] ?? 25);
const MESSAGE_BYTES_MAX = 1_048_576;
const REFUSED_BY_US = new Map(Object.entries(ERRORS).map(([code, { grpc }]) => [code, grpc]));

let stack: ApiStack;
let scene: Scene;
let grpc: GrpcMethods;
/** What the databases held after the last refusal. */
let stored: string[] | undefined;

beforeAll(async () => {
  stack = await ApiStack.start('grpc-input');
  scene = await setScene(stack);
  grpc = new GrpcMethods(stack.running.grpcUrl!);
}, 120_000);

afterAll(async () => {
  grpc?.close();
  await stack?.stop();
});

/** A caller whom the method lets in and whose objects the scene has. */
const tokenFor = (name: string): Promise<string> =>
  name.startsWith('CatalogService') ? stack.token('operator') : stack.token('buyer', scene.ownerBuyer);

const goodValues = (name: string): GoodValues => ({
  productId: scene.productId,
  skuId: scene.skuId,
  shopId: scene.shopId,
  merchantId: scene.ownerMerchant,
  orderId: scene.orderId,
  roundId: scene.openRoundId,
  itemId: scene.openItemId,
  quantity: 1n,
  regionCode: 'CN-11',
  idempotencyKey: newUuid(),
  amountMinor: 149_900n,
  currency: 'CNY',
  pageSize: 5n,
  listed: 1n,
  query: 'Secret',
  // Lists take no token, and orders no status, as often as not.
  ...(name.includes('List') || name.includes('Search') ? { pageToken: '', status: 1n } : {}),
});

/** What is wrong with an answer; empty when it is a good one or a refusal that we declare. */
function faultsOf(name: string, { status, code, details }: GrpcAnswer): string[] {
  if (status === 'OK') return [];
  const say = (fault: string): string[] => [`${name}: ${fault}: ${status} ${code} ${details.slice(0, 300)}`];
  if (code === undefined || !REFUSED_BY_US.has(code)) return say('carries no code of ours');
  if (numbers[status as keyof typeof numbers] !== REFUSED_BY_US.get(code))
    return say('has another status than its code');
  if (/node_modules|\.[jt]s:\d|\n\s+at /.test(details)) return say('shows a stack');
  return [];
}

/** Calls, and compares what is stored when the call was refused. */
async function callAndCount(name: string, bytes: Buffer, metadata?: Metadata): Promise<GrpcAnswer> {
  stored ??= await stack.contents();
  const before = stored;
  const answer = await grpc.callRaw(name, bytes, metadata ?? metadataWith(await tokenFor(name)));
  if (answer.status === 'OK') stored = undefined;
  else expect([name, answer.code, await stack.contents()]).toEqual([name, answer.code, before]);
  return answer;
}

it(
  'answers any message with a status that it declares',
  () =>
    seeded({ file: __filename, name: 'answers any message with a status that it declares' }, async (random) => {
      const faults: string[] = [];
      for (const name of grpc.names) faults.push(...(await fuzzed(name, random)));
      expect(faults).toEqual([]);
    }),
  120_000,
);

async function fuzzed(name: string, random: SeededRandom): Promise<string[]> {
  const faults: string[] = [];
  for (let call = 0; call < CALLS_PER_METHOD; call += 1) {
    const messages = new FuzzedMessages(grpc.types, random, goodValues(name));
    const type = grpc.requestType(name);
    // Messages that are all refused for one reason would test nothing, so one is as good as it can be.
    const bytes = call === 0 ? messages.good(type) : messages.message(type);
    const answer = await callAndCount(name, bytes);
    if (call === 0 && answer.status === 'INVALID_ARGUMENT') faults.push(`${name} refuses a good message`);
    faults.push(...faultsOf(`${name} ${bytes.toString('base64').slice(0, 400)}`, answer));
  }
  return faults;
}

it.each([
  ['a number without end', Buffer.alloc(16, 0xff)],
  ['an unknown kind of field', Buffer.from([0x0f])],
  ['groups in groups', deepGroups(50_000)],
])('refuses %s as the caller’s fault', async (_what, bytes) => {
  for (const name of grpc.names) {
    const answer = await callAndCount(name, bytes);
    expect([name, answer.status, answer.code]).toEqual([name, 'INVALID_ARGUMENT', 'invalid-request']);
    expect(faultsOf(name, answer)).toEqual([]);
  }
});

it('cuts messages and metadata that are too large, and goes on', async () => {
  for (const name of grpc.names) {
    const large = await callAndCount(name, Buffer.alloc(MESSAGE_BYTES_MAX + 1, 'x'));
    expect([name, large.status]).toEqual([name, 'RESOURCE_EXHAUSTED']);
    const flood = metadataWith(await tokenFor(name));
    for (let header = 0; header < 200; header += 1) flood.set(`x-flood-${header}`, 'y'.repeat(200));
    const refused = await callAndCount(name, Buffer.alloc(0), flood);
    expect([name, refused.status]).not.toEqual([name, 'OK']);
    const next = await callAndCount(name, Buffer.alloc(0));
    expect(faultsOf(name, next)).toEqual([]);
  }
});

it('lets no text of a header into the answer’s headers', async () => {
  const metadata = metadataWith(await tokenFor('OrderService.GetOrder'));
  metadata.set('x-request-id', 'not an id; \u007e{}');
  const answer = await callAndCount('OrderService.GetOrder', Buffer.alloc(0), metadata);
  expect(answer.status).toBe('NOT_FOUND');
  expect(JSON.stringify(answer)).not.toContain('not an id');
});
