// The token with which a service calls another one.
import { readFile, stat } from 'node:fs/promises';
import { type EnvReader, monotonicMs } from '@gravity/kernel';
import { Secret } from '@gravity/observability';

/** How often the file is looked at, at most. */
const LOOK_EVERY_MS = 1_000;

/** From the environment, or from a file that is read again when it changes, as a rotated secret in a cluster does. */
export class ServiceToken {
  private known: { readonly stamp: string; readonly token: Secret } | undefined;
  private lookedAtMs = -Infinity;

  private constructor(
    private readonly fixed: Secret | undefined,
    private readonly file: string | undefined,
  ) {}

  /** Reads `SERVICE_TOKEN`, else the name of the file in `SERVICE_TOKEN_FILE`; one of them has to be set. */
  static read(read: EnvReader): ServiceToken {
    const token = read.optional('SERVICE_TOKEN');
    const file = read.optional('SERVICE_TOKEN_FILE');
    read.check(token !== undefined || file !== undefined, 'neither SERVICE_TOKEN nor SERVICE_TOKEN_FILE is set');
    return new ServiceToken(token === undefined ? undefined : new Secret(token), file);
  }

  /**
   * The token now in force. Rejects when its file was never readable; one that is unreadable for a moment leaves the last
   * token in force. `afresh` looks at the file although it was looked at just now.
   */
  async current(afresh = false): Promise<Secret> {
    if (this.fixed !== undefined) return this.fixed;
    const due = afresh || monotonicMs() - this.lookedAtMs >= LOOK_EVERY_MS;
    if (this.known !== undefined && !due) return this.known.token;
    try {
      await this.look(this.file ?? '');
    } catch (error) {
      if (this.known === undefined) throw error;
    }
    this.lookedAtMs = monotonicMs();
    return this.known!.token;
  }

  private async look(file: string): Promise<void> {
    const { mtimeMs, ino, size } = await stat(file);
    const stamp = `${mtimeMs} ${ino} ${size}`;
    if (stamp === this.known?.stamp) return;
    this.known = { stamp, token: new Secret((await readFile(file, 'utf8')).trim()) };
  }
}
