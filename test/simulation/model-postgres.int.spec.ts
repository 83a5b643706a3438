// Goal: the model of Postgres does what the statements do. Method: the service's own classes run the same random commands
// over a real Postgres and over the model; every decision and all counters are compared after each.
import fc from 'fast-check';
import { idFromUuid, money, systemClock, uuidFromParts } from '@gravity/kernel';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { freshDatabase, type FreshDatabase } from '@gravity/testing';
import { ClaimDecider } from '../../apps/orders/src/decision/claim-decider';
import { ServerClock } from '../../apps/orders/src/decision/server-clock';
import { GateStateRepository } from '../../apps/orders/src/gate/gate-state.repository';
import { close, pay } from '../../apps/orders/src/order-changes';
import { SaleDirectory, type SaleItem } from '../../apps/orders/src/sales/sale-directory';
import { ordersMigrations } from '../../apps/orders/src/storage/migrations';
import { lockOrders, writeChanges } from '../../apps/orders/src/storage/order-writer';
import { createSale, type Sale } from '../../apps/orders/test/support/sale-fixture';
import { modelDatabase, modelOf } from './model-database';

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase('simulation');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  database = openDatabase({ url: fresh.url, applicationName: 'simulation-spec' });
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

const claim = fc.record({
  key: fc.nat(9),
  item: fc.nat(1),
  quantity: fc.integer({ min: 1, max: 2 }),
  /** How far the claim's epoch is off the one in force. */
  epochOff: fc.constantFrom(0, 0, 0, 1),
});
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('claim' as const), batch: fc.array(claim, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'pay' as const), order: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('load' as const, 'direct' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tombstone' as const), key: fc.nat(9) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** One side: the service's classes over a database. */
class Side {
  private readonly decider: ClaimDecider;
  private readonly states: GateStateRepository;

  constructor(
    readonly database: Database,
    private readonly sale: Sale,
    private readonly ids: readonly string[],
  ) {
    this.states = new GateStateRepository(database);
    const clock = new ServerClock(database, systemClock);
    this.decider = new ClaimDecider(database, clock, { batchMax: 256, queueMax: 1_000, onCommitted: () => undefined });
  }

  async items(): Promise<SaleItem[]> {
    return [...(await new SaleDirectory(this.database, () => 0).refresh(this.sale.roundId))!.items.values()];
  }

  async run(next: Command): Promise<unknown> {
    const items = await this.items();
    const epoch = items[0]!.admission === 'GATE' ? items[0]!.epoch : null;
    switch (next.do) {
      case 'claim': {
        const decided = await Promise.all(
          next.batch.map(({ key, item, quantity, epochOff }) =>
            this.decider.submit({
              claimId: uuidFromParts('claim', this.sale.roundId, String(key)),
              orderId: uuidFromParts('order', this.sale.roundId, String(key)),
              orderKey: idFromUuid('order', uuidFromParts('order', this.sale.roundId, String(key))),
              item: items[item]!,
              buyerId: `b_${this.sale.roundId}_${key % 3}`,
              quantity,
              epoch: epochOff === 0 ? epoch : (epoch ?? 0n) + 1n,
              admissionNumber: epoch === null ? null : key,
              fingerprint: `same:${key}`,
              regionCode: 'CN-11',
              paymentWindowMs: 60_000,
              traceparent: undefined,
            }),
          ),
        );
        return decided.map((decision) => (decision.outcome === 'ACCEPTED' ? { outcome: 'ACCEPTED' } : decision));
      }
      case 'close':
      case 'pay':
        return this.database.transaction(async (tx) => {
          const [order] = (await lockOrders(tx, [this.ids[next.order]!])).values();
          if (order?.status !== 'AWAITING_PAYMENT') return order?.status;
          const charge = { intentId: `i_${order.orderId}`, chargeId: 'c', amount: money(1n, 'CNY') };
          await writeChanges(tx, [next.do === 'close' ? close(order, 'EXPIRED') : pay(order, charge)]);
          return next.do;
        });
      case 'load': {
        const found = await this.states.beginLoad(this.sale.seriesId, 'run', undefined);
        const { items: loaded, ...snapshot } = found!;
        const facts = loaded.map(({ opensAtMs: _opens, closesAtMs: _closes, ...item }) => item);
        return sorted({ items: facts, ...snapshot });
      }
      case 'direct':
        return this.states.goDirect(this.sale.seriesId, undefined);
      case 'tombstone':
        return this.database.query(
          `insert into claim_tombstones (claim_id, epoch, admission_number)
         select * from unnest($1::uuid[], $2::bigint[], $3::bigint[]) on conflict do nothing`,
          [[uuidFromParts('claim', this.sale.roundId, String(next.key))], [String(epoch ?? 0n)], [next.key]],
        );
    }
  }

  /** What is committed. */
  async counters(): Promise<unknown> {
    const admission = await this.states.admissionOf(this.sale.seriesId);
    const items = await this.database.transaction((tx) =>
      tx.query<{ item_id: string; quota: number; handed_out: number }>(
        `select item_id, quota, held + sold + released as handed_out, first_pass_until
     from round_items where item_id = any($1::uuid[]) order by item_id for no key update`,
        [[...this.sale.itemIds].sort()],
      ),
    );
    const orders = await this.database.transaction((tx) => lockOrders(tx, this.ids));
    return {
      admission,
      items: items.map(({ item_id, quota, handed_out }) => ({ item_id, quota, handed_out })),
      orders: [...orders.values()]
        .map(({ orderId, status, sequence, quantity }) => [orderId, status, sequence, quantity])
        .sort(),
    };
  }
}

/** Postgres answers in any order where none is asked for. */
function sorted(value: Record<string, unknown>): unknown {
  const text = (part: unknown): string =>
    JSON.stringify(part, (_key, leaf: unknown) => (typeof leaf === 'bigint' ? String(leaf) : leaf));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, Array.isArray(part) ? part.map(text).sort() : text(part)]),
  );
}

it('agrees with a real Postgres', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        quota: fc.integer({ min: 1, max: 4 }),
        perBuyer: fc.integer({ min: 1, max: 3 }),
        winLimit: fc.constantFrom(null, 1, 2),
      }),
      fc.array(command, { minLength: 4, maxLength: 16 }),
      async (terms, commands) => {
        const { quota, perBuyer, winLimit } = terms;
        const sale = await createSale(database, {
          quotas: [quota, quota],
          perOrderLimit: perBuyer,
          perBuyerLimit: perBuyer,
          winLimit,
        });
        const ids = Array.from({ length: 10 }, (_, key) => uuidFromParts('order', sale.roundId, String(key)));
        const model = new Side(modelDatabase(modelOf(sale, terms)), sale, ids);
        const real = new Side(database, sale, ids);
        for (const next of commands) {
          const answer = await real.run(next);
          expect(await model.run(next)).toEqual(answer);
          expect(await model.counters()).toEqual(await real.counters());
          if (next.do === 'claim') for (const { outcome } of answer as { outcome: string }[]) outcomes.add(outcome);
        }
      },
    ),
    { numRuns: Number(process.env['GRAVITY_PROPERTY_RUNS'] ?? 15) },
  );
  // A comparison of refusals alone would say little.
  for (const outcome of ['ACCEPTED', 'REPLAYED', 'STALE_EPOCH', 'SOLD_OUT', 'LIMIT_REACHED'])
    expect(outcomes).toContain(outcome);
});
