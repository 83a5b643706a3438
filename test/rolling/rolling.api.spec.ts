// Goal: every service can be restarted process by process under load: no request and no call fails, and every effect happens
// once. Method: two real processes of each service behind a balancer that follows readiness, as in Kubernetes. Clients without
// retries use HTTP, gRPC, payments, callbacks and refunds. One process of each service restarts after SIGTERM, then the other.
import { uuidFromId } from '@gravity/kernel';
import { eventually, openSale, seeded, type SeededRandom, type SqlClient } from '@gravity/testing';
import { RollingLoad } from './load';
import { PairedServices, SERVICES } from './paired-services';

const PROCESSES = 2;
/** The number of answers before, between and after the restarts. */
const ANSWERS = 100;
/** The payment token that leads to a refund. */
const WRONG = 'tok_wrong_amount';
const SETTLE_WITHIN_MS = 30_000;

let services: PairedServices;

beforeAll(async () => {
  services = await PairedServices.start();
}, 120_000);
afterAll(() => services?.stop(), 60_000);

/** All calls of the clients. */
const CALLS = [
  'CatalogService.GetSku',
  'CatalogService.ListSkus',
  'ClaimService.PlaceClaim',
  'GET /catalog/v1/skus/…',
  'GET /orders/v1/orders/…',
  'OrderService.GetOrder',
  'POST /catalog/v1/merchants',
  'POST /catalog/v1/products',
  'POST /catalog/v1/shops',
  'POST /catalog/v1/skus/…/prices',
  'POST /orders/v1/orders/…/payment-intents',
  'POST /orders/v1/rounds/…/claims',
  'POST /payments-sandbox/v1/intents/…/confirmation',
  'PUT /catalog/v1/products/…/listing',
];

const NAME = 'restarting every service under load fails no request and repeats no effect';

it(NAME, () => seeded({ file: __filename, name: NAME }, restartUnderLoad), 240_000);

async function restartUnderLoad(random: SeededRandom): Promise<void> {
  const query: SqlClient['query'] = async (text, params) => ({ rows: await services.sql('orders', text, params) });
  const sale = await openSale({ query }, { quotas: [50_000, 50_000], perBuyerLimit: 2 });
  const load = new RollingLoad(services, sale, random);
  await load.start();
  await load.moreAnswers(ANSWERS);
  for (let index = 0; index < PROCESSES; index += 1) {
    await services.restart(index);
    await load.moreAnswers(ANSWERS);
  }
  await load.end();
  const { longestPauseMs } = load;
  expect({ failures: load.failures, refusedConnections: services.refusedConnections, longestPauseMs }).toEqual({
    failures: [],
    refusedConnections: 0,
    longestPauseMs,
  });
  expect([...load.answers.keys()].sort()).toEqual(CALLS);
  await expectOrderlyStops();
  await expectPayments(load);
  await expectOrders(load);
  await expectEvents();
}

/** Each process has stopped once, within its time limit. */
async function expectOrderlyStops(): Promise<void> {
  for (const service of SERVICES) {
    for (const log of services.logs(service)) {
      expect(log.match(/"message":"stopped"/g)).toHaveLength(1);
      expect(log).not.toMatch(/shutdown step (did not finish in time|failed)/);
    }
  }
}

/** The stored orders are the acknowledged ones, and the counters are their sums. */
async function expectOrders(load: RollingLoad): Promise<void> {
  const stored = await services.sql<{ id: string }>('orders', 'select order_id::text as id from orders');
  expect(stored.map(({ id }) => id).sort()).toEqual([...load.orders].map((id) => uuidFromId('order', id)).sort());
  const drifting = await services.sql(
    'orders',
    `select i.item_id, i.held, i.sold, o.held as orders_held, o.sold as orders_sold from round_items i
     left join (select item_id, sum(quantity) filter (where status = 'AWAITING_PAYMENT') as held,
       sum(quantity) filter (where status = 'PAID') as sold from orders group by item_id) o using (item_id)
     where i.held <> coalesce(o.held, 0) or i.sold <> coalesce(o.sold, 0)`,
  );
  expect(drifting).toEqual([]);
}

/** Every payment is settled once: in the order, in its events and at the provider. */
async function expectPayments(load: RollingLoad): Promise<void> {
  const wanted = [...load.paid].map(([id, how]) => `${uuidFromId('order', id)} ${how === WRONG ? 'REFUNDED' : 'PAID'}`);
  const settled = `select order_id || ' ' || status as line from orders where status in ('PAID', 'REFUNDED')`;
  await eventually(
    async () => {
      const lines = (await services.sql<{ line: string }>('orders', settled)).map(({ line }) => line);
      expect(lines.sort()).toEqual(wanted.sort());
    },
    { withinMs: SETTLE_WITHIN_MS },
  );
  const twice = `select key from outbox where type = 'orders.order.paid.v1' group by key having count(*) > 1`;
  expect(await services.sql('orders', twice)).toEqual([]);
  const refundsHere = `select intent_id, amount_minor from refunds where status = 'SUCCEEDED' order by 1`;
  const refundsThere = `select intent_id, amount_minor from refunds order by 1`;
  const refunds = await services.sql('orders', refundsHere);
  expect(await services.sql('payments-sandbox', refundsThere)).toEqual(refunds);
  expect(refunds).toHaveLength([...load.paid.values()].filter((how) => how === WRONG).length);
  const intents = `select intent_id from intents where status = 'PAID' order by 1`;
  expect(await services.sql('payments-sandbox', intents)).toHaveLength(load.paid.size);
  const undelivered = `select event_id from deliveries where status <> 'DELIVERED'`;
  await eventually(async () => expect(await services.sql('payments-sandbox', undelivered)).toEqual([]), {
    withinMs: SETTLE_WITHIN_MS,
  });
}

/** Every event of the catalogue is taken in by orders, once, and none is a dead letter. */
async function expectEvents(): Promise<void> {
  const published = await services.sql<{ id: string }>(
    'catalog',
    `select event_id::text as id from outbox where type like 'catalog.sku.%' order by 1`,
  );
  await eventually(
    async () => {
      const taken = await services.sql<{ id: string }>('orders', 'select event_id::text as id from inbox order by 1');
      expect(taken).toEqual(published);
    },
    { withinMs: SETTLE_WITHIN_MS },
  );
  expect(await services.sql('orders', 'select event_id from dead_letters')).toEqual([]);
  const skus = await services.sql(
    'catalog',
    'select id::text as sku_id, version::int as sequence from skus order by 1',
  );
  const known = await services.sql(
    'orders',
    'select sku_id::text, sequence::int as sequence from sku_snapshots order by 1',
  );
  expect(known).toEqual(skus);
}
