// The connection claims go through. It never queues and never resends by itself: a command whose connection drops is
// reported as unknown, and the scripts are idempotent, so the caller may repeat it.
import { sleep } from '@gravity/kernel';
import { Redis } from 'ioredis';
import { DRAW_KEY_COUNT, DRAWN_SCRIPT, ENTER_DRAW_SCRIPT } from './draw-scripts';
import {
  CLAIM_SCRIPT,
  GATE_KEY_COUNT,
  LOAD_BEGIN_SCRIPT,
  LOAD_CHUNK_SCRIPT,
  SET_STATE_SCRIPT,
  SETTLE_SCRIPT,
  SOLD_OUT_SCRIPT,
  STALE_PENDING_SCRIPT,
  VIEW_SCRIPT,
} from './gate-scripts';

const SCRIPTS = {
  gateClaim: CLAIM_SCRIPT,
  gateSettle: SETTLE_SCRIPT,
  gateLoadBegin: LOAD_BEGIN_SCRIPT,
  gateLoadChunk: LOAD_CHUNK_SCRIPT,
  gateSetState: SET_STATE_SCRIPT,
  gateView: VIEW_SCRIPT,
  gateStalePending: STALE_PENDING_SCRIPT,
  gateSoldOut: SOLD_OUT_SCRIPT,
} as const;
const DRAW_SCRIPTS = { drawEnter: ENTER_DRAW_SCRIPT, drawCutoff: DRAWN_SCRIPT } as const;

export type GateScript = keyof typeof SCRIPTS;
type AnyScript = GateScript | keyof typeof DRAW_SCRIPTS;
export type GateReply = readonly (string | number)[];
type ScriptCall = (keys: readonly string[], ...args: (string | number)[]) => Promise<GateReply | number>;

const VERIFY_AGAIN_MS = 50;

/** Redis did not answer: it is gone, too slow, or not yet verified. The command may or may not have run. */
export class GateUnavailable extends Error {
  override readonly name: string = 'GateUnavailable';
}

/** The server behind the connection does not hold the gate in force. It may have been restored from an old snapshot. */
export class StaleRedisInstance extends GateUnavailable {
  override readonly name = 'StaleRedisInstance';
}

export interface GateConnectionOptions {
  readonly url: string;
  /** A command without an answer for this long counts as lost. */
  readonly commandTimeoutMs?: number;
  /**
   * Called with the reason when Redis cannot be used, and with undefined when it can again. The reason holds no secret.
   */
  readonly onTrouble?: (reason: string | undefined) => void;
}

export class GateConnection {
  private readonly redis: Redis;
  private verifiedRunId: string | undefined;
  /** Counts connections: an answer of an earlier connection says nothing about the present one. */
  private connection = 0;
  private commands = 0;
  private trouble: string | undefined;
  /** Aborted with the next verified connection. */
  private verified = new AbortController();

  constructor(private readonly options: GateConnectionOptions) {
    this.redis = new Redis(options.url, {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: options.commandTimeoutMs ?? 1_000,
      connectTimeout: 1_000,
      retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    });
    // Without a listener ioredis prints every failed attempt. The message only: the error carries the password it sent.
    this.redis.on('error', ({ message }: Error) => this.setTrouble(message));
    this.redis.on('close', () => {
      this.connection += 1;
      this.setRunId(undefined);
    });
    this.redis.on('ready', () => void this.verify());
    for (const [name, lua] of Object.entries(SCRIPTS)) {
      this.redis.defineCommand(name, { numberOfKeys: GATE_KEY_COUNT, lua });
    }
    for (const [name, lua] of Object.entries(DRAW_SCRIPTS)) {
      this.redis.defineCommand(name, { numberOfKeys: DRAW_KEY_COUNT, lua });
    }
  }

  /** Starts connecting; returns at once and keeps trying for ever. */
  start(): void {
    this.redis.connect().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.redis.disconnect();
  }

  /**
   * The run id of the server behind this connection, once read; undefined while there is no verified connection. A
   * restarted, restored or promoted server has another run id, and may hold other data.
   */
  get runId(): string | undefined {
    return this.verifiedRunId;
  }

  /** Script calls sent so far. */
  get commandCount(): number {
    return this.commands;
  }

  /** Runs a script. Throws {@link GateUnavailable} when there is no answer; other errors are faults of the script. */
  async run(script: AnyScript, keys: readonly string[], ...args: (string | number)[]): Promise<GateReply> {
    if (this.verifiedRunId === undefined) throw new GateUnavailable('no verified connection to Redis');
    this.commands += 1;
    try {
      this.gather();
      const call = (this.redis as unknown as Record<AnyScript, ScriptCall>)[script];
      const reply = await call.call(this.redis, keys, ...args);
      return typeof reply === 'number' ? [reply] : reply;
    } catch (error) {
      throw new GateUnavailable(`${script}: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * Runs a script on the server of this run id only: a server restored from a snapshot misses later changes. Throws
   * {@link StaleRedisInstance}, with nothing sent, when the connection leads to another server; else what {@link run}
   * does.
   */
  async runIn(
    runId: string | undefined,
    script: GateScript,
    keys: readonly string[],
    ...args: (string | number)[]
  ): Promise<GateReply> {
    if (this.verifiedRunId !== undefined && this.verifiedRunId !== runId)
      throw new StaleRedisInstance(`the gate is not in the memory of ${this.verifiedRunId}`);
    return this.run(script, keys, ...args);
  }

  /** Calls made in one turn of the event loop leave in one write: a hundred calls cost the kernel as much as one. */
  private gather(): void {
    const { stream } = this.redis;
    if (stream.writableCorked > 0) return;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  /** Resolves once there is a verified connection, or after `ms` without one. */
  async back(ms: number): Promise<void> {
    if (this.verifiedRunId === undefined) await sleep(ms, this.verified.signal);
  }

  /** True when the server behind a verified connection answers. A connection may be open while its server is gone. */
  async answers(): Promise<boolean> {
    if (this.verifiedRunId === undefined) return false;
    return this.redis.ping().then(
      () => true,
      () => false,
    );
  }

  /** Asks until there is an answer or another connection: a slow connection stays open, and 'ready' comes only once. */
  private async verify(): Promise<void> {
    const { connection } = this;
    while (connection === this.connection && this.redis.status === 'ready') {
      try {
        const info = await this.redis.info('server');
        if (connection === this.connection) this.setRunId(/run_id:(\w+)/.exec(info)?.[1]);
        return;
      } catch (error) {
        this.setTrouble((error as Error).message);
        await sleep(VERIFY_AGAIN_MS);
      }
    }
  }

  private setRunId(runId: string | undefined): void {
    if (this.verifiedRunId === runId) return;
    this.verifiedRunId = runId;
    if (runId !== undefined) {
      this.setTrouble(undefined);
      this.verified.abort();
      this.verified = new AbortController();
    }
  }

  private setTrouble(reason: string | undefined): void {
    if (this.trouble === reason) return;
    this.trouble = reason;
    this.options.onTrouble?.(reason);
  }
}
