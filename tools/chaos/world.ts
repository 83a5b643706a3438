// The system that a run injects faults into: the cluster of the fault tests, a second Redis for failovers, and a wall clock
// for each orders process.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildServices,
  FaultCluster,
  freshRedis,
  type OrdersNode,
  projectRoot,
  type RedisHandle,
  temporaryFolder,
} from '@gravity/testing';
import { SmallDisk } from './small-disk';

export class World {
  private constructor(
    readonly cluster: FaultCluster,
    /** The replica; idle until a failover. */
    readonly replica: RedisHandle,
    /** The disk of Postgres; undefined where the system has none. */
    readonly disk: SmallDisk | undefined,
    private readonly folder: string,
  ) {}

  /** Event ids of the messages that no handler can process, in the order of sending. */
  readonly poison: string[] = [];

  /** Starts everything; resolves when every process is ready. */
  static async start(nodes: number): Promise<World> {
    const folder = await temporaryFolder();
    await buildServices();
    const preload = join(projectRoot(), 'dist', 'tools', 'chaos', 'skewed-clock.js');
    const envOf = (name: string): Record<string, string> => ({
      NODE_OPTIONS: `--require "${preload}"`,
      CHAOS_CLOCK_FILE: join(folder, `${name}.clock`),
    });
    const replica = await freshRedis();
    const disk = await SmallDisk.mount(join(folder, 'disk'));
    const place = disk === undefined ? {} : { postgresFolder: join(disk.folder, 'primary') };
    if (disk !== undefined) await mkdir(join(disk.folder, 'primary'), { mode: 0o755 });
    try {
      return new World(await FaultCluster.start({ nodes, envOf, catalog: true, ...place }), replica, disk, folder);
    } catch (error) {
      await replica.stop();
      await disk?.remove();
      throw error;
    }
  }

  /** The orders process of this number. */
  node(index: number): OrdersNode {
    const node = this.cluster.nodes[index % this.cluster.nodes.length];
    if (node === undefined) throw new Error('the world has no orders process');
    return node;
  }

  /** Shifts the wall clock of an orders process by this many milliseconds; 0 sets it right. */
  async skew(index: number, offsetMs: number): Promise<void> {
    await writeFile(join(this.folder, `${this.node(index).process.name}.clock`), String(offsetMs));
  }

  /** Ends every fault: resumes frozen processes and starts processes that have ended. */
  async heal(): Promise<void> {
    const { cluster } = this;
    await this.disk?.free();
    const links = cluster.nodes.flatMap((node) => [node.redis, node.postgres, node.http]);
    for (const link of [...links, cluster.kafkaLink, cluster.providerLink, cluster.callbackLink]) await link.heal();
    await Promise.all(cluster.nodes.map((_node, index) => this.skew(index, 0)));
    const services = [...cluster.nodes.map(({ process }) => process), cluster.sandbox, cluster.catalog];
    for (const one of [cluster.postgres, cluster.redis, cluster.kafka, ...services]) {
      if (one.pid === undefined) await one.start();
      else await one.resume();
    }
  }

  /** Stops everything and removes its files. */
  async stop(): Promise<void> {
    await Promise.all([this.cluster.stop(), this.replica.stop()]);
    await this.disk?.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}
