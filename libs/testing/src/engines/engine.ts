// Types of the stack: a handle to a running server, and the origins of a server.

/** The three servers that Gravity uses. */
export type EngineName = 'postgres' | 'redis' | 'kafka';

export const ENGINE_NAMES: readonly EngineName[] = ['postgres', 'redis', 'kafka'];

/** Names for messages. */
export const ENGINE_TITLES: Readonly<Record<EngineName, string>> = {
  postgres: 'Postgres',
  redis: 'Redis',
  kafka: 'Kafka',
};

/** The origin of an engine: an address in the environment, another running stack, a container, or a local program. */
export type EngineSource = 'given' | 'attached' | 'docker' | 'machine';

/** Writes one progress line. */
export type Log = (line: string) => void;

/** A running server. A server with `owned: false` was not started here; it can be used, and refuses every control. */
export interface EngineHandle {
  readonly name: EngineName;
  /** A URL for Postgres and Redis, `host:port` for Kafka. Stays the same over restarts. */
  readonly url: string;
  readonly source: EngineSource;
  readonly owned: boolean;
  /** The server's process, while it runs and when it is a process of this machine. */
  readonly pid: number | undefined;
  /** Ends the server abruptly (default: `SIGKILL`) and resolves when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data; resolves when it answers. */
  start(): Promise<void>;
  /** An orderly stop followed by a start. */
  restart(): Promise<void>;
  /** Freezes the server: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** Ends a pause. */
  resume(): Promise<void>;
  /** An orderly stop. The data stays. */
  stop(): Promise<void>;
}

/** A Redis that tests can empty and restore from a snapshot. */
export interface RedisHandle extends EngineHandle {
  /** Deletes every key. */
  flush(): Promise<void>;
  /** Saves the contents to a file and returns its path. */
  snapshot(): Promise<string>;
  /** Kills the server and starts it with the contents of a snapshot: a machine restored from an old backup. */
  rewind(snapshotFile: string): Promise<void>;
}

/** A control was used on a server that this process did not start. */
export class NotOwnedError extends Error {
  override readonly name = 'NotOwnedError';

  constructor(engine: EngineName) {
    super(`${ENGINE_TITLES[engine]} was not started here, so it is not stopped, killed or emptied here either.`);
  }
}

/** A server that another process runs. */
export class ForeignEngine implements RedisHandle {
  readonly owned = false;
  readonly pid = undefined;

  constructor(
    readonly name: EngineName,
    readonly url: string,
    readonly source: EngineSource,
  ) {}

  kill(): Promise<void> {
    return this.refuse();
  }

  start(): Promise<void> {
    return this.refuse();
  }

  restart(): Promise<void> {
    return this.refuse();
  }

  pause(): Promise<void> {
    return this.refuse();
  }

  resume(): Promise<void> {
    return this.refuse();
  }

  flush(): Promise<void> {
    return this.refuse();
  }

  snapshot(): Promise<string> {
    return this.refuse();
  }

  rewind(): Promise<void> {
    return this.refuse();
  }

  /** Does nothing: the process that started the server stops it. */
  async stop(): Promise<void> {}

  private refuse(): Promise<never> {
    return Promise.reject(new NotOwnedError(this.name));
  }
}
