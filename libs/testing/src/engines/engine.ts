// What the parts of the stack have in common: a handle to a running server, and the three ways we can come by one.

/** The three servers Gravity stands on. */
export type EngineName = 'postgres' | 'redis' | 'kafka';

export const ENGINE_NAMES: readonly EngineName[] = ['postgres', 'redis', 'kafka'];

/** Spelled for people. */
export const ENGINE_TITLES: Readonly<Record<EngineName, string>> = {
  postgres: 'Postgres',
  redis: 'Redis',
  kafka: 'Kafka',
};

/** Where an engine came from: an address in the environment, another running stack, a container, or a program of ours. */
export type EngineSource = 'given' | 'attached' | 'docker' | 'machine';

/** Writes one progress line. */
export type Log = (line: string) => void;

/** A running server. Those that are not ours (`owned: false`) can be used but refuse every control. */
export interface EngineHandle {
  readonly name: EngineName;
  /** A URL for Postgres and Redis, `host:port` for Kafka. Stays the same over restarts. */
  readonly url: string;
  readonly source: EngineSource;
  readonly owned: boolean;
  /** The server's process, while it runs and when it is a process of this machine. */
  readonly pid: number | undefined;
  /** Ends the server abruptly (`SIGKILL` unless told otherwise) and resolves when it is gone. */
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

/** A Redis that tests can empty and send back in time. */
export interface RedisHandle extends EngineHandle {
  /** Deletes every key. */
  flush(): Promise<void>;
  /** Saves the present contents to a file and returns its path. */
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

/** A server that somebody else runs. */
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

  /** Nothing to do: whoever started it stops it. */
  async stop(): Promise<void> {}

  private refuse(): Promise<never> {
    return Promise.reject(new NotOwnedError(this.name));
  }
}
