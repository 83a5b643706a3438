// One process per database does a thing: the one whose own session holds an advisory lock.
import { backoffMs, sleep } from '@gravity/kernel';
import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 2_500;
/** How often the leader proves its session, and how often the others ask for the lock. */
const BEAT_MS = 500;
const STANDBY_MS = 1_000;
/**
 * The server ends a session that says nothing for this long, so that a leader that is frozen or cut off gives up its lock.
 * Several beats long: a busy event loop delays one.
 */
const SILENCE_MAX_MS = 3_000;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 1_000;

/** A lock of one database that at most one process holds. */
export class Leadership {
  constructor(
    private readonly url: string,
    /** What is led; the same in every process. */
    private readonly lock: string,
    private readonly applicationName: string,
  ) {}

  /**
   * Runs the work whenever this process leads, until `stop` is aborted. The work's signal is aborted when the session is
   * lost and when `stop` is; the work is waited for before the lock is given up or asked for again. Resolves after the
   * stop. Rejects when the work rejects.
   */
  async whileHeld(stop: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    for (let failures = 0; !stop.aborted;) {
      const session = await this.open();
      if (session === undefined) {
        failures += 1;
        await sleep(backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS), stop);
        continue;
      }
      failures = 0;
      try {
        if (await waitForLock(session, this.lock, stop)) await lead(session, stop, work);
      } finally {
        await session.client.end().catch(() => undefined);
      }
    }
  }

  /** Undefined while Postgres is out of reach. */
  private async open(): Promise<Session | undefined> {
    const client = new Client({
      connectionString: this.url,
      application_name: `${this.applicationName}-leader`,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    const lost = new AbortController();
    client.on('error', () => lost.abort());
    client.on('end', () => lost.abort());
    try {
      await client.connect();
      await client.query(`set idle_session_timeout = ${SILENCE_MAX_MS}`);
      return { client, lost };
    } catch {
      await client.end().catch(() => undefined);
      return undefined;
    }
  }
}

interface Session {
  readonly client: Client;
  /** Aborted once the connection, and with it the lock, is gone. */
  readonly lost: AbortController;
}

/** True once the session holds the lock; false when the session is lost or the stop comes first. */
async function waitForLock({ client, lost }: Session, lock: string, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted && !lost.signal.aborted) {
    try {
      const { rows } = await client.query<{ mine: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as mine',
        [lock],
      );
      if (rows[0]!.mine) return true;
    } catch {
      return false;
    }
    await sleep(STANDBY_MS, stop);
  }
  return false;
}

async function lead(
  { client, lost }: Session,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([stop, lost.signal]);
  const beating = beat(client, lost, ended.signal);
  try {
    await work(signal);
  } finally {
    ended.abort();
    await beating;
  }
}

/** Proves the session until the end; a beat without an answer means that it is lost. */
async function beat(client: Client, lost: AbortController, ended: AbortSignal): Promise<void> {
  while (!ended.aborted && !lost.signal.aborted) {
    await sleep(BEAT_MS, ended);
    if (ended.aborted) return;
    await client.query('select 1').catch(() => lost.abort());
  }
}
