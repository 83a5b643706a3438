// Faults of Postgres, its standby and its disk, and of sessions that disturb it: locks, deadlocks, ended sessions, no free
// connections.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { synchronousStandby } from '@gravity/testing';
import { Client } from 'pg';
import { smallDiskUnavailable } from '../small-disk';
import type { World } from '../world';
import { freezing, killing, type FaultKind, nothing } from './fault-kind';

const parts = (): string[] => ['postgres'];
const CONNECTIONS_MAX = 200;
const DISK_FULL = '53100';

/** Another session on the orders database, without the proxies. */
export async function rival(world: World): Promise<Client> {
  const client = new Client({
    connectionString: world.cluster.databaseUrl('orders'),
    application_name: 'chaos-rival',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Ends the session in any state. */
export const end = (client: Client): Promise<void> => client.end().catch(() => undefined);

/** Another session locks the items, so no claim, payment or closing can commit. */
const locks: FaultKind = {
  name: 'postgres-locks',
  title: 'the rows of all items locked by another session (lock and statement timeouts)',
  lastsMs: [500, 8_000],
  parts,
  inject: async (world) => {
    const client = await rival(world);
    try {
      await client.query(`begin; set local lock_timeout = '3s'`);
      await client.query('select 1 from round_items order by item_id for update');
    } catch (error) {
      await end(client);
      throw error;
    }
    return () => end(client);
  },
};

/** Locks items in the opposite order of all other sessions, so that a deadlock has a victim. */
const deadlocks: FaultKind = {
  name: 'postgres-deadlock',
  title: 'another session locks items in the opposite order',
  lastsMs: [1_000, 4_000],
  parts,
  inject: async (world, { forMs }) => {
    const client = await rival(world);
    const until = performance.now() + forMs;
    try {
      while (performance.now() < until) {
        await client.query(`begin; set local deadlock_timeout = '10s'`);
        const { rows } = await client.query<{ item_id: string }>(
          `select item_id from round_items order by round_id desc, item_id desc limit 2`,
        );
        for (const { item_id: itemId } of rows) {
          await client.query('select 1 from round_items where item_id = $1 for update', [itemId]);
          await sleep(300);
        }
        await client.query('rollback');
      }
    } catch {
      // This session may be the victim as well.
    }
    await end(client);
    return nothing;
  },
};

const exhausted: FaultKind = {
  name: 'postgres-connections',
  title: 'no free connection: sessions ended, and the server full of other sessions',
  lastsMs: [1_000, 5_000],
  parts,
  inject: async (world) => {
    const connections: Client[] = [];
    const first = await rival(world);
    connections.push(first);
    await first.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name <> 'chaos-rival'`,
    );
    const opened = await Promise.allSettled(Array.from({ length: CONNECTIONS_MAX }, () => rival(world)));
    for (const result of opened) if (result.status === 'fulfilled') connections.push(result.value);
    return async () => {
      await Promise.all(connections.map(end));
    };
  },
};

const serializable: FaultKind = {
  name: 'postgres-serializable',
  title: 'every new session is SERIALIZABLE: serialization failures',
  lastsMs: [2_000, 6_000],
  parts,
  inject: async (world) => {
    await isolation(world, 'serializable');
    return () => isolation(world, 'read committed');
  },
};

async function isolation(world: World, level: string): Promise<void> {
  const client = await rival(world);
  await client.query(`alter database gravity_orders set default_transaction_isolation = '${level}'`);
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name <> 'chaos-rival'`,
  );
  await end(client);
}

const failover: FaultKind = {
  name: 'postgres-failover',
  title: 'Postgres killed for good, a synchronous standby promoted in its place',
  lastsMs: [3_000, 6_000],
  parts: () => ['postgres', 'postgres-link-0', 'postgres-link-1', 'postgres-link-2'],
  once: true,
  inject: async ({ cluster, disk }, { forMs }) => {
    const old = cluster.postgres;
    const standby = await synchronousStandby(old, disk && join(disk.folder, 'standby'));
    try {
      await sleep(forMs / 3);
    } finally {
      await old.kill();
      cluster.failOverTo(await standby.promote());
      // Its data is removed too, so that it never comes back.
      await old.stop();
    }
    return nothing;
  },
};

const diskFull: FaultKind = {
  name: 'postgres-disk-full',
  title: 'no space left on the disk of Postgres (ENOSPC)',
  lastsMs: [2_000, 6_000],
  parts,
  unavailable: smallDiskUnavailable,
  inject: async (world) => {
    const { cluster, disk } = world;
    if (disk === undefined) throw new Error('this system does not let us mount a disk');
    const client = await rival(world);
    await disk.fill();
    const heard = await client.query('create temp table more as select generate_series(1, 500000)').then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
    await end(client);
    return async () => {
      await disk.free();
      // Without space for its log, Postgres may have ended.
      if (cluster.postgres.pid === undefined) await cluster.postgres.start();
      return { fired: heard === DISK_FULL ? 1 : 0 };
    };
  },
};

export const postgresFaults: readonly FaultKind[] = [
  killing(
    { name: 'postgres-kill', title: 'Postgres killed and started again', lastsMs: [200, 3_000], parts },
    ({ cluster }) => cluster.postgres,
  ),
  {
    name: 'postgres-restart',
    title: 'orderly restart of Postgres',
    lastsMs: [100, 300],
    parts,
    inject: async ({ cluster }) => {
      await cluster.postgres.restart();
      return nothing;
    },
  },
  freezing(
    { name: 'postgres-freeze', title: 'SIGSTOP of Postgres', lastsMs: [500, 6_000], parts },
    ({ cluster }) => cluster.postgres,
  ),
  locks,
  deadlocks,
  exhausted,
  serializable,
  failover,
  diskFull,
];
