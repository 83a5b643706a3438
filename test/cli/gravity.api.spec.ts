// Goal: the operator commands work on running services. Method: the commands run as processes of the build.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newUuid, uuidFromId } from '@gravity/kernel';
import { KafkaEventBus } from '@gravity/messaging';
import { buildServices, engines, eventually, freshDatabase, projectRoot, uniquePrefix } from '@gravity/testing';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { ApiStack } from '../api/api-stack';
import { type Fixtures, createFixtures } from '../api/fixtures';

const PRICE = { amount: 9_900, currency: 'CNY' };

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

describe('npm run gravity', () => {
  let stack: ApiStack;
  let fixtures: Fixtures;
  let orders: Client;
  let noStack: string;

  /** Runs a command with the environment of the services, or with `env`. */
  const gravity = (words: string, env: Readonly<Record<string, string | undefined>> = stack.env): Promise<Ended> =>
    new Promise((resolve) => {
      const file = join(projectRoot(), 'dist', 'tools', 'cli', 'main.js');
      const args = [file, ...words.split(' '), '--data-dir', noStack];
      execFile(process.execPath, args, { env: { ...env, PATH: process.env['PATH'] } }, (error, out, err) =>
        resolve({ status: error === null ? 0 : Number(error.code), out, err }),
      );
    });

  beforeAll(async () => {
    [stack, noStack] = await Promise.all([
      ApiStack.start('operator'),
      mkdtemp(join(tmpdir(), 'gravity-no-stack-')),
      buildServices(),
    ]);
    fixtures = await createFixtures(stack);
    orders = new Client({ connectionString: stack.env['ORDERS_DATABASE_URL'] });
    await orders.connect();
  }, 240_000);

  afterAll(async () => {
    await orders?.end();
    await stack?.stop();
    if (noStack !== undefined) await rm(noStack, { recursive: true });
  }, 60_000);

  it('explains its usage, and where it looked for servers', async () => {
    expect(await gravity('--help')).toMatchObject({ status: 0, out: expect.stringContaining('dead-letters replay') });
    expect(await gravity('dead')).toMatchObject({ status: 2, err: expect.stringContaining('no command dead') });
    expect(await gravity('dead-letters replay')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--event <id>'),
    });
    const nowhere = await gravity('reconcile', {});
    expect(nowhere).toMatchObject({ status: 1, err: expect.stringContaining('DATABASE_URL and REDIS_URL is not set') });
    expect(nowhere.err).toContain(noStack);
  });

  it('migrates databases, and changes nothing the second time', async () => {
    const fresh = await freshDatabase('operator migrate');
    const database = new Client({ connectionString: fresh.url });
    await database.connect();
    const tables = async (): Promise<number> =>
      (await database.query(`select 1 from pg_tables where schemaname = 'public'`)).rowCount ?? 0;
    try {
      expect(await tables()).toBe(0);
      for (let time = 1; time <= 2; time += 1) {
        const ended = await gravity('migrate orders', { ORDERS_DATABASE_URL: fresh.url });
        expect(ended).toMatchObject({ status: 0, out: expect.stringMatching(/^ *orders +up to date/) });
      }
      expect(await tables()).toBeGreaterThan(10);
      expect(await gravity('migrate odrers')).toMatchObject({
        status: 2,
        err: expect.stringContaining('catalog, orders'),
      });
    } finally {
      await database.end();
      await fresh.drop();
    }
  });

  it('creates the missing topics', async () => {
    const topicPrefix = uniquePrefix();
    const bus = new KafkaEventBus({ brokers: [engines().kafkaBrokers], clientId: 'spec', topicPrefix });
    const event = { eventId: newUuid(), topic: 'orders.order', key: 'k', type: 't', payload: '{}', occurredAtMs: 0 };
    try {
      await expect(bus.publish([{ ...event, traceparent: null }])).rejects.toThrow();
      const ended = await gravity('topics', { ...stack.env, KAFKA_TOPIC_PREFIX: topicPrefix });
      expect(ended).toMatchObject({ status: 0, out: expect.stringContaining(`${topicPrefix}orders.order `) });
      await bus.publish([{ ...event, traceparent: null }]);
    } finally {
      await bus.close();
    }
  });

  it('finds a gate that offers too much, and reloads it', async () => {
    const series = uuidFromId('series', fixtures.seriesId)!;
    const item = uuidFromId('item', fixtures.openItemId)!;
    const redis = new Redis(stack.env['REDIS_URL']!);
    try {
      const agreed = await gravity(`reconcile --round ${fixtures.openRoundId}`);
      expect(agreed).toMatchObject({ status: 0, out: expect.stringContaining('Both sides agree.') });
      await redis.hincrby(`gate:{${series}}:${item}`, 'available', 7);
      const repaired = await gravity(`reconcile --round ${fixtures.openRoundId}`);
      expect(repaired).toMatchObject({ status: 0, out: expect.stringContaining('reloaded from Postgres') });
      expect(repaired.out).toContain('gate 7');
      const unknown = await gravity('reconcile --round rnd_01h2xcejqtf2nbrexx3vqjhp41');
      expect(unknown).toMatchObject({ status: 1, err: expect.stringContaining('omit --round') });
    } finally {
      redis.disconnect();
    }
  });

  describe('dead letters', () => {
    const LINE = /^ *(\S+) +PARKED +\S+ +(\S+) +(\S+) +(waits|\d+)/gm;

    interface Listed {
      readonly eventId: string;
      readonly type: string;
      readonly key: string;
      readonly tries: string;
    }

    const waiting = async (): Promise<Listed[]> => {
      const { out } = await gravity('dead-letters list --status PARKED');
      return [...out.matchAll(LINE)].map(([, eventId, type, key, tries]) => ({
        ...{ eventId: eventId!, type: type!, key: key!, tries: tries! },
      }));
    };

    /** A new SKU, and a second event of it, which waits behind the first. */
    const createSku = async (code: string): Promise<string> => {
      const operator = await stack.token('operator');
      const post = async (path: string, json: unknown, ifMatch = {}): Promise<{ skus: { id: string }[] }> => {
        const headers = { 'idempotency-key': newUuid(), ...ifMatch };
        const answer = await stack.call('POST', path, { token: operator, json, headers });
        expect(answer).toMatchObject({ status: 201 });
        return answer.body;
      };
      const skus = [{ code, title: code, price: PRICE }];
      const product = await post('/catalog/v1/products', { shopId: fixtures.shopId, title: `Product ${code}`, skus });
      const skuId = product.skus[0]!.id;
      await post(`/catalog/v1/skus/${skuId}/prices`, { ...PRICE, amount: 8_800 }, { 'if-match': '"1"' });
      return skuId;
    };

    const snapshots = async (skuId: string): Promise<string[]> => {
      const query = 'select price_minor::text as price from sku_snapshots where sku_id = $1';
      return (await orders.query(query, [uuidFromId('sku', skuId)])).rows.map(({ price }) => price);
    };

    const breakTable = (): Promise<unknown> =>
      orders.query('alter table sku_snapshots add constraint broken_by_spec check (false) not valid');
    const repairTable = (): Promise<unknown> =>
      orders.query('alter table sku_snapshots drop constraint if exists broken_by_spec');

    afterEach(repairTable);

    const bothWaiting = (skuId: string): Promise<Listed[]> =>
      eventually(
        async () => {
          const found = (await waiting()).filter(({ key }) => key === skuId);
          if (found.length < 2) throw new Error(`${skuId} has ${found.length} dead letters`);
          return found;
        },
        { withinMs: 30_000 },
      );

    it('are listed, and handled in their order after the cause is repaired', async () => {
      await breakTable();
      const skuId = await createSku('REPLAY');
      const [first, second] = await bothWaiting(skuId);
      expect([first!.tries, second!.tries]).toEqual(['3', 'waits']);

      const full = await gravity(`dead-letters list --key ${skuId} --full`);
      expect(JSON.parse(full.out.split('\n')[0]!)).toMatchObject({
        eventId: first!.eventId,
        reason: expect.stringContaining('broken_by_spec'),
      });

      // The cause is not repaired: the message is a dead letter again, with one more attempt.
      const tooEarly = await gravity(`dead-letters replay --event ${first!.eventId}`);
      expect(tooEarly).toMatchObject({ status: 0, out: '1 message will be handled again.\n' });
      await eventually(async () => expect((await bothWaiting(skuId))[0]!.tries).toBe('4'), { withinMs: 20_000 });

      await repairTable();
      expect(await gravity(`dead-letters replay --event ${first!.eventId}`)).toMatchObject({ status: 0 });
      await eventually(async () => expect(await snapshots(skuId)).toEqual(['8800']), { withinMs: 20_000 });
      const after = await gravity(`dead-letters list --key ${skuId} --status REPLAYED`);
      expect(after.out).toContain(second!.eventId);
      expect(await gravity(`dead-letters replay --event ${first!.eventId}`)).toMatchObject({
        status: 1,
        out: 'No such message. Only PARKED ones can be.\n',
      });
    }, 120_000);

    it('are discarded by their event, and the messages behind them are handled', async () => {
      await breakTable();
      const skuId = await createSku('DISCARD');
      const [first] = await bothWaiting(skuId);
      await repairTable();
      expect(await gravity(`dead-letters discard --event ${first!.eventId}`)).toMatchObject({
        status: 0,
        out: '1 message discarded.\n',
      });
      // Events of SKUs carry the whole SKU: the second one contains the change of the first.
      await eventually(async () => expect(await snapshots(skuId)).toEqual(['8800']), { withinMs: 20_000 });
      expect(await waiting()).toEqual([]);
    }, 120_000);
  });
});
