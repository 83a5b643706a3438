// Goal: commands that meet on one intent wait for each other; each has its effect once and the sums are exact. Method: two
// instances on one database, as two processes would be, and a third session that holds the lock of the row.
import { type FreshDatabase, eventually, freshDatabase } from '@gravity/testing';
import { Client } from 'pg';
import { CallbackReceiver } from './callback-receiver';
import { type Answer, type CreatedIntent, SECRET, Sandbox } from './sandbox';

let database: FreshDatabase;
let pair: [Sandbox, Sandbox];
const receiver = new CallbackReceiver(SECRET);

const start = (url: string): Promise<Sandbox> =>
  Sandbox.start({ PAYMENTS_SANDBOX_DATABASE_URL: url, PAYMENTS_CALLBACK_URL: receiver.url });

beforeAll(async () => {
  database = await freshDatabase('payments sandbox contention');
  await receiver.start();
  pair = [await start(database.url), await start(database.url)];
});

afterAll(async () => {
  await Promise.all((pair ?? []).map((sandbox) => sandbox.close()));
  await receiver.stop();
  await database?.drop();
});

/** The same command sent `count` times at once, in turn to each instance. */
const together = (count: number, command: (sandbox: Sandbox, index: number) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => command(pair[index % 2]!, index)));

const statuses = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

const paidIntent = async (amount: number): Promise<CreatedIntent> => {
  const intent = await pair[0].intent({ amount });
  expect((await pair[0].pay(intent, 'tok_approve')).status).toBe(200);
  return intent;
};

const read = async (intent: CreatedIntent): Promise<Record<string, unknown>> =>
  (await pair[1].call('GET', `/intents/${intent.intentId}`)).body;

describe('refunds of one intent at the same time', () => {
  // A request waits three seconds for a connection; a busy machine commits a hundred within them.
  it.each([45, 100])('%i of 1 fen each are all made, once', async (count) => {
    const intent = await paidIntent(count);
    const answers = await together(count, (sandbox, index) =>
      sandbox.refund(intent, 1, `fen-${index}-${intent.intentId}`),
    );
    expect(statuses(answers)).toEqual({ 201: count });
    expect(new Set(answers.map(({ body }) => body['refundId'])).size).toBe(count);
    expect((await read(intent))['refundedAmount']).toBe(count);
    expect(await pair[0].refund(intent, 1, `one-more-${intent.intentId}`)).toMatchObject({
      status: 409,
      body: { code: 'invalid-transition' },
    });
    const refunds = async (): Promise<number> =>
      receiver.of(intent.intentId).filter(({ body }) => body.type === 'refund.succeeded').length;
    await eventually(async () => expect(await refunds()).toBe(count), { withinMs: 20_000 });
  });

  it('more than was paid: as many as the payment covers are made', async () => {
    const intent = await paidIntent(40);
    const answers = await together(60, (sandbox, index) =>
      sandbox.refund(intent, 1, `over-${index}-${intent.intentId}`),
    );
    expect(statuses(answers)).toEqual({ 201: 40, 409: 20 });
    expect((await read(intent))['refundedAmount']).toBe(40);
  });

  it('each sent three times: every key is one refund', async () => {
    const intent = await paidIntent(20);
    const answers = await together(60, (sandbox, index) =>
      sandbox.refund(intent, 1, `thrice-${index % 20}-${intent.intentId}`),
    );
    expect(statuses(answers)).toEqual({ 201: 60 });
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(40);
    expect(new Set(answers.map(({ body }) => body['refundId'])).size).toBe(20);
    expect((await read(intent))['refundedAmount']).toBe(20);
  });

  it('one key on many intents refunds one of them', async () => {
    const intents = await Promise.all(Array.from({ length: 12 }, () => paidIntent(10)));
    const key = `shared-${intents[0]!.intentId}`;
    const answers = await together(12, (sandbox, index) => sandbox.refund(intents[index]!, 1, key));
    expect(statuses(answers)).toEqual({ 201: 1, 422: 11 });
    const refunded = await Promise.all(intents.map(async (intent) => (await read(intent))['refundedAmount']));
    expect(refunded.sort()).toEqual([...Array<number>(11).fill(0), 1]);
  });
});

describe('confirmations and cancellations of one intent at the same time', () => {
  it('forty confirmations pay once', async () => {
    const intent = await pair[0].intent();
    const answers = await together(40, (sandbox) => sandbox.pay(intent, 'tok_approve'));
    expect(statuses(answers)).toEqual({ 200: 40 });
    expect(new Set(answers.map(({ body }) => body['status']))).toEqual(new Set(['PAID']));
    expect(await pair[0].deliveries(intent)).toHaveLength(1);
  });

  it('forty declined attempts are forty attempts', async () => {
    const intent = await pair[0].intent();
    expect(statuses(await together(40, (sandbox) => sandbox.pay(intent, 'tok_decline')))).toEqual({ 200: 40 });
    expect(await pair[0].deliveries(intent)).toHaveLength(40);
  });

  it('a payment and a cancellation: one of them wins, and every answer agrees', async () => {
    for (let round = 0; round < 10; round += 1) {
      const intent = await pair[0].intent();
      const answers = await together(20, (sandbox, index) =>
        index % 3 === 0 ? sandbox.cancel(intent) : sandbox.pay(intent, 'tok_approve'),
      );
      const { status } = await read(intent);
      if (status === 'PAID') {
        // A cancellation that came too late tells that the buyer was faster.
        expect(statuses(answers)).toEqual({ 200: 20 });
        expect(await pair[0].deliveries(intent)).toHaveLength(1);
      } else {
        expect(status).toBe('CANCELLED');
        expect(statuses(answers)).toEqual({ 200: 7, 409: 13 });
        expect(await pair[0].deliveries(intent)).toEqual([]);
      }
      const told = answers.filter((answer) => answer.status === 200).map(({ body }) => body['status']);
      expect(new Set(told)).toEqual(new Set([status]));
    }
  });

  it('a charge that falls due while its intent is cancelled: paid or cancelled, never both', async () => {
    const intents = await Promise.all(Array.from({ length: 20 }, () => pair[0].intent()));
    await Promise.all(intents.map((intent) => pair[1].pay(intent, 'tok_approve_late:1')));
    await new Promise((resolve) => setTimeout(resolve, 950));
    await Promise.all(intents.flatMap((intent) => [pair[0].cancel(intent), pair[1].cancel(intent)]));
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      const open = `SELECT count(*)::int AS open FROM scheduled_charges WHERE outcome IS NULL`;
      await eventually(async () => expect((await client.query(open)).rows).toEqual([{ open: 0 }]));
      const { rows } = await client.query<{ status: string; outcome: string; owed: number }>(
        `SELECT i.status, s.outcome, (SELECT count(*)::int FROM deliveries d WHERE d.intent_id = i.intent_id) AS owed
           FROM intents i JOIN scheduled_charges s USING (intent_id) WHERE i.intent_id = ANY($1)`,
        [intents.map(({ intentId }) => intentId)],
      );
      expect(rows).toHaveLength(20);
      for (const row of rows) {
        const expected = row.status === 'PAID' ? { outcome: 'CHARGED', owed: 1 } : { outcome: 'VOID', owed: 0 };
        expect(row).toEqual({ status: row.status, ...expected });
      }
    } finally {
      await client.end();
    }
  });
});

describe('a lock that another session holds', () => {
  const withLock = async (
    intent: CreatedIntent,
    work: (release: () => Promise<void>) => Promise<void>,
  ): Promise<void> => {
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM intents WHERE intent_id = $1 FOR UPDATE', [intent.intentId]);
      await work(async () => void (await holder.query('COMMIT')));
    } finally {
      await holder.end();
    }
  };

  it('is waited for', async () => {
    const intent = await paidIntent(10);
    await withLock(intent, async (release) => {
      const waiting = together(4, (sandbox, index) => sandbox.refund(intent, 1, `wait-${index}-${intent.intentId}`));
      await eventually(async () => expect(await waitingForLocks()).toBe(4));
      await release();
      expect(statuses(await waiting)).toEqual({ 201: 4 });
    });
  });

  it('answers 503 with Retry-After when the deadline is over, and the repeat succeeds', async () => {
    const url = new URL(database.url);
    url.searchParams.set('options', '-c lock_timeout=300');
    const hurried = await start(url.toString());
    const intent = await paidIntent(10);
    const key = `late-${intent.intentId}`;
    try {
      await withLock(intent, async () => {
        const answers = await Promise.all([hurried.refund(intent, 1, key), hurried.cancel(intent)]);
        for (const answer of answers) {
          expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded', retryable: true } });
          expect(answer.headers.get('retry-after')).toBe('1');
        }
      });
      expect((await read(intent))['refundedAmount']).toBe(0);
      expect((await hurried.refund(intent, 1, key)).status).toBe(201);
    } finally {
      await hurried.close();
    }
  });

  async function waitingForLocks(): Promise<number> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      const text = `SELECT count(*)::int AS waiting FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'`;
      return (await client.query<{ waiting: number }>(text)).rows[0]!.waiting;
    } finally {
      await client.end();
    }
  }
});
