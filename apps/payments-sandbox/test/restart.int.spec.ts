// Goal: another process delivers what a stopped process owes. Method: two instances on one database; the first is
// closed in an orderly way, or loses its database in the middle of a delivery, which looks like a crash.
import { type FreshDatabase, TcpProxy, eventually, freshDatabase } from '@gravity/testing';
import { CallbackReceiver } from './callback-receiver';
import { SECRET, Sandbox } from './sandbox';

let database: FreshDatabase;
let receiver: CallbackReceiver;

beforeEach(async () => {
  database = await freshDatabase('payments sandbox restart');
  receiver = new CallbackReceiver(SECRET);
  await receiver.start();
});

afterEach(async () => {
  await receiver.stop();
  await database.drop();
});

const start = (url = database.url, more: Record<string, string> = {}): Promise<Sandbox> =>
  Sandbox.start({ PAYMENTS_SANDBOX_DATABASE_URL: url, PAYMENTS_CALLBACK_URL: receiver.url, ...more });

it('delivers owed callbacks after a restart, and makes planned charges', async () => {
  const before = await start();
  await receiver.stop();
  const [paid, late] = [await before.intent(), await before.intent()];
  await before.pay(paid, 'tok_approve');
  await before.pay(late, 'tok_approve_late:1');
  await eventually(async () => expect((await before.deliveries(paid))[0]!['attempts']).toBeGreaterThan(0));
  await before.close();

  await receiver.start();
  const after = await start();
  await eventually(() =>
    expect(receiver.received.map((callback) => callback.body.data['intentId']).sort()).toEqual(
      [paid.intentId, late.intentId].sort(),
    ),
  );
  expect(await after.statusOf(late)).toBe('PAID');
  await after.close();
});

it('lets the delivery under way end when it is closed, and does not repeat it', async () => {
  const before = await start();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  receiver.answer = async () => held.then(() => 200);
  const intent = await before.intent();
  await before.pay(intent, 'tok_approve');
  await eventually(() => expect(receiver.received).toHaveLength(1));
  const closing = before.close();
  release();
  await closing;

  const after = await start();
  expect(await after.deliveries(intent)).toMatchObject([{ status: 'DELIVERED', attempts: 1 }]);
  await after.close();
  expect(receiver.received).toHaveLength(1);
});

it('delivers again when the process was lost in mid-delivery', async () => {
  const { port } = new URL(database.url);
  const proxy = await TcpProxy.start({ targetPort: Number(port) });
  const doomed = await start(proxy.through(database.url), { PAYMENTS_SANDBOX_DELIVERY_TIMEOUT_MS: '1000' });
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  receiver.answer = async () => held.then(() => 200);
  const intent = await doomed.intent();
  await doomed.pay(intent, 'tok_approve');
  await eventually(() => expect(receiver.received).toHaveLength(1));
  await proxy.close();
  release();

  receiver.answer = () => 200;
  const heir = await start();
  // The lease of the lost one is six seconds.
  await eventually(() => expect(receiver.received).toHaveLength(2), { withinMs: 15_000 });
  expect(new Set(receiver.received.map((callback) => callback.eventId)).size).toBe(1);
  await eventually(async () =>
    expect(await heir.deliveries(intent)).toMatchObject([{ status: 'DELIVERED', attempts: 2 }]),
  );
  await heir.close();
  await doomed.close();
});

it('shares the work between two instances without delivering twice', async () => {
  const pair = await Promise.all([start(), start()]);
  const intents = await Promise.all(Array.from({ length: 200 }, (_, index) => pair[index % 2]!.intent()));
  await Promise.all(intents.map((intent, index) => pair[(index + 1) % 2]!.pay(intent, 'tok_approve')));
  const delivered = (): number => new Set(receiver.received.map((callback) => callback.eventId)).size;
  await eventually(() => expect(delivered()).toBe(200), { withinMs: 30_000 });
  await Promise.all(pair.map((sandbox) => sandbox.close()));
  expect(receiver.received).toHaveLength(200);
});
