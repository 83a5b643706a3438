// A disk that can be full: a file system of its own, in memory, whose size is taken away while it is in use.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { isRoot } from '@gravity/testing';

const ROOMY = '4g';
/** So much is left when the disk is "full": enough for a file of a few pages, too little for a segment of Postgres' log. */
const LEFT_BYTES = 64 * 1024;
const MOST_TRIES = 10;
/** Of the file systems, followed by the id of the process that mounted it. */
const NAME = 'gravity-chaos-';

/** Why there can be no such disk here; undefined when there can. */
export function noSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return 'a disk of its own needs Linux';
  return isRoot() ? undefined : 'mounting a disk of its own needs root';
}

/** Mounted while the run lasts; goes with this process, however it ends. */
export class SmallDisk {
  private mounted = true;

  private constructor(readonly folder: string) {
    process.once('exit', () => this.unmount());
  }

  /** A roomy one. Resolves with undefined where the system does not let us. */
  static async mount(folder: string): Promise<SmallDisk | undefined> {
    if (noSmallDisk() !== undefined) return undefined;
    removeForgotten();
    await mkdir(folder, { recursive: true });
    const options = `size=${ROOMY},mode=0755`;
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, `${NAME}${process.pid}`, folder]);
    return status === 0 ? new SmallDisk(folder) : undefined;
  }

  /** Takes away whatever is free: who writes hears "no space left on device". */
  async fill(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const { blocks, bfree, bsize } = await statfs(this.folder);
      try {
        this.resize(String((blocks - bfree) * bsize + LEFT_BYTES));
        return;
      } catch (error) {
        // Somebody has written since we looked.
        if (tries === MOST_TRIES) throw error;
      }
    }
  }

  /** Gives the room back. */
  async free(): Promise<void> {
    this.resize(ROOMY);
  }

  /** Takes it out of the system. Nobody may be using it any more. */
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

/** Disks of runs that were killed: their memory would be lost until the machine starts again. */
function removeForgotten(): void {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [name = '', folder = ''] = line.split(' ');
    if (name.startsWith(NAME) && !existsSync(`/proc/${name.slice(NAME.length)}`))
      spawnSync('umount', ['--lazy', folder]);
  }
}
