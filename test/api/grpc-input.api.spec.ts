// Goal: for any bytes of a gRPC client, the status is declared and never INTERNAL, and a refused call changes nothing.
// Method: messages that are made from the .proto files and encoded here, to every method. The contents of every table are
// compared before and after each refusal. A failing run prints its seed.
import { type Metadata, status as numbers } from '@grpc/grpc-js';
import { ERRORS } from '@gravity/contracts';
import { newUuid } from '@gravity/kernel';
import { type SeededRandom, seeded } from '@gravity/testing';
import { ApiStack } from './api-stack';
import { deepGroups, FuzzedMessages, type ValidValues } from './fuzzed-messages';
import { type GrpcAnswer, GrpcMethods, metadataWith } from './grpc-methods';
import { type Fixtures, createFixtures } from './fixtures';

const CALLS_PER_METHOD = Number(process.env['FC_RUNS'] ?? 25);
const MESSAGE_BYTES_MAX = 1_048_576;
const STATUS_OF_CODE = new Map(Object.entries(ERRORS).map(([code, { grpc }]) => [code, grpc]));

let stack: ApiStack;
let fixtures: Fixtures;
let grpc: GrpcMethods;
/** The contents of the databases after the last refusal. */
let stored: string[] | undefined;

beforeAll(async () => {
  stack = await ApiStack.start('grpc-input');
  fixtures = await createFixtures(stack);
  grpc = new GrpcMethods(stack.running.grpcUrl!);
}, 120_000);

afterAll(async () => {
  grpc?.close();
  await stack?.stop();
});

/** A token with an allowed role, of the owner of the fixtures. */
const tokenFor = (name: string): Promise<string> =>
  name.startsWith('CatalogService') ? stack.token('operator') : stack.token('buyer', fixtures.ownerBuyer);

const validValues = (name: string): ValidValues => ({
  productId: fixtures.productId,
  skuId: fixtures.skuId,
  shopId: fixtures.shopId,
  merchantId: fixtures.ownerMerchant,
  orderId: fixtures.orderId,
  roundId: fixtures.openRoundId,
  itemId: fixtures.openItemId,
  quantity: 1n,
  regionCode: 'CN-11',
  idempotencyKey: newUuid(),
  amountMinor: 149_900n,
  currency: 'CNY',
  pageSize: 5n,
  listed: 1n,
  query: 'Secret',
  // Lists get an empty page token and a status.
  ...(name.includes('List') || name.includes('Search') ? { pageToken: '', status: 1n } : {}),
});

/** The faults of an answer; empty for a success or a declared refusal. */
function faultsOf(name: string, { status, code, details }: GrpcAnswer): string[] {
  if (status === 'OK') return [];
  const fault = (what: string): string[] => [`${name}: ${what}: ${status} ${code} ${details.slice(0, 300)}`];
  if (code === undefined || !STATUS_OF_CODE.has(code)) return fault('carries no declared code');
  if (numbers[status as keyof typeof numbers] !== STATUS_OF_CODE.get(code))
    return fault('has another status than its code');
  if (/node_modules|\.[jt]s:\d|\n\s+at /.test(details)) return fault('shows a stack');
  return [];
}

/** Calls a method. After a refusal, it compares the contents of the databases. */
async function callAndCompare(name: string, bytes: Buffer, metadata?: Metadata): Promise<GrpcAnswer> {
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
    const messages = new FuzzedMessages(grpc.types, random, validValues(name));
    const type = grpc.requestType(name);
    // The first message is valid, so that not all messages are refused for one reason.
    const bytes = call === 0 ? messages.valid(type) : messages.message(type);
    const answer = await callAndCompare(name, bytes);
    if (call === 0 && answer.status === 'INVALID_ARGUMENT') faults.push(`${name} refuses a valid message`);
    faults.push(...faultsOf(`${name} ${bytes.toString('base64').slice(0, 400)}`, answer));
  }
  return faults;
}

it.each([
  ['a very long number', Buffer.alloc(16, 0xff)],
  ['an unknown wire type', Buffer.from([0x0f])],
  ['nested groups', deepGroups(50_000)],
])('refuses %s as the caller’s fault', async (_what, bytes) => {
  for (const name of grpc.names) {
    const answer = await callAndCompare(name, bytes);
    expect([name, answer.status, answer.code]).toEqual([name, 'INVALID_ARGUMENT', 'invalid-request']);
    expect(faultsOf(name, answer)).toEqual([]);
  }
});

it('refuses messages and metadata that are too large', async () => {
  for (const name of grpc.names) {
    const large = await callAndCompare(name, Buffer.alloc(MESSAGE_BYTES_MAX + 1, 'x'));
    expect([name, large.status]).toEqual([name, 'RESOURCE_EXHAUSTED']);
    const flood = metadataWith(await tokenFor(name));
    for (let header = 0; header < 200; header += 1) flood.set(`x-flood-${header}`, 'y'.repeat(200));
    const refused = await callAndCompare(name, Buffer.alloc(0), flood);
    expect([name, refused.status]).not.toEqual([name, 'OK']);
    const next = await callAndCompare(name, Buffer.alloc(0));
    expect(faultsOf(name, next)).toEqual([]);
  }
});

it('does not copy the text of a header into the headers of the answer', async () => {
  const metadata = metadataWith(await tokenFor('OrderService.GetOrder'));
  metadata.set('x-request-id', 'not an id; \u007e{}');
  const answer = await callAndCompare('OrderService.GetOrder', Buffer.alloc(0), metadata);
  expect(answer.status).toBe('NOT_FOUND');
  expect(JSON.stringify(answer)).not.toContain('not an id');
});
