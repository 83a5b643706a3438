// Goal: a caller who needs the present state does not get an answer that was asked for earlier. Method: a slow network
// to a real Postgres, and a gate that changes while an answer is in transit.
import { monotonicMs, sleep } from '@gravity/kernel';
import { type Database, migrate, openDatabase } from '@gravity/persistence';
import { freshDatabase, type FreshDatabase, TcpProxy } from '@gravity/testing';
import { createSale } from '../../test/support/sale-fixture';
import { ordersMigrations } from '../storage/migrations';
import { SaleDirectory } from './sale-directory';

const ON_THE_WAY_MS = 400;
let fresh: FreshDatabase;
let near: Database;

beforeAll(async () => {
  fresh = await freshDatabase('directory');
  await migrate({ url: fresh.url, service: 'orders', migrations: ordersMigrations });
  near = openDatabase({ url: fresh.url, applicationName: 'directory-near' });
});

afterAll(async () => {
  await near.close();
  await fresh.drop();
});

it('reads again when a read under way may have seen an earlier state', async () => {
  const sale = await createSale(near, {});
  const proxy = await TcpProxy.start({ targetPort: Number(new URL(fresh.url).port) });
  const far = openDatabase({ url: proxy.through(fresh.url), applicationName: 'directory-far' });
  try {
    const directory = new SaleDirectory(far, monotonicMs);
    await directory.refresh(sale.roundId);
    proxy.delay(ON_THE_WAY_MS);
    const early = directory.refresh(sale.roundId);
    // The question has arrived, its answer has not.
    await sleep(1.5 * ON_THE_WAY_MS);
    await near.query('update round_items set epoch = 77 where round_id = $1', [sale.roundId]);
    const [joined, anew] = await Promise.all([directory.refresh(sale.roundId), directory.readAnew(sale.roundId)]);
    expect(joined).toBe(await early);
    const epochs = [joined, anew].map((round) => [...round!.items.values()].map(({ epoch }) => epoch));
    expect(epochs[1]).toEqual([77n]);
    expect(epochs[0]).not.toContain(77n);
  } finally {
    await far.close();
    await proxy.close();
  }
});
