// A disk that can run full: a file system in memory that is made smaller while it is in use.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { isRoot } from '@gravity/testing';

const SIZE = '4g';
/** The space that a "full" disk has left: enough for a file of a few pages, too little for a segment of Postgres' log. */
const LEFT_BYTES = 64 * 1024;
const TRIES_MAX = 10;
/** The name of the file system, followed by the id of the process that mounted it. */
const NAME = 'gravity-chaos-';

/** The reason why this machine cannot have such a disk; undefined when it can. */
export function smallDiskUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'a disk of its own needs Linux';
  return isRoot() ? undefined : 'mounting a disk of its own needs root';
}

/** A disk that is mounted during the run. It is removed with this process, even when the process is killed. */
export class SmallDisk {
  private mounted = true;

  private constructor(readonly folder: string) {
    process.once('exit', () => this.unmount());
  }

  /** Mounts an empty disk. Resolves with undefined where the system refuses. */
  static async mount(folder: string): Promise<SmallDisk | undefined> {
    if (smallDiskUnavailable() !== undefined) return undefined;
    unmountLeftovers();
    await mkdir(folder, { recursive: true });
    const options = `size=${SIZE},mode=0755`;
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, `${NAME}${process.pid}`, folder]);
    return status === 0 ? new SmallDisk(folder) : undefined;
  }

  /** Removes the free space: a write fails with "no space left on device". */
  async fill(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const { blocks, bfree, bsize } = await statfs(this.folder);
      try {
        this.resize(String((blocks - bfree) * bsize + LEFT_BYTES));
        return;
      } catch (error) {
        // Postgres has written since the size was read.
        if (tries === TRIES_MAX) throw error;
      }
    }
  }

  /** Restores the size. */
  async free(): Promise<void> {
    this.resize(SIZE);
  }

  /** Unmounts the disk. No process may use it. */
  async remove(): Promise<void> {
    this.unmount();
    await rm(this.folder, { recursive: true, force: true });
  }

  private resize(size: string): void {
    const { status, stderr } = spawnSync('mount', ['-o', `remount,size=${size}`, this.folder]);
    if (status !== 0) throw new Error(`the disk cannot be resized: ${String(stderr).trim()}`);
  }

  private unmount(): void {
    if (!this.mounted) return;
    this.mounted = false;
    spawnSync('umount', ['--lazy', this.folder]);
  }
}

/** Unmounts disks of runs that were killed, whose memory stays in use until the next start of the machine otherwise. */
function unmountLeftovers(): void {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [name = '', folder = ''] = line.split(' ');
    if (name.startsWith(NAME) && !existsSync(`/proc/${name.slice(NAME.length)}`))
      spawnSync('umount', ['--lazy', folder]);
  }
}
