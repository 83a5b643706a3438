// Leadership: one process per database does a piece of work. Its own session holds an advisory lock.
import { backoffMs, sleep } from '@gravity/kernel';
import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 2_500;
/** Period of the leader's heartbeats. */
const HEARTBEAT_MS = 500;
/** Period in which the others try to get the lock. */
const STANDBY_MS = 1_000;
/**
 * The server ends a session after this long without a statement, so that a frozen or disconnected leader loses its
 * lock. It is several heartbeats long, because a busy event loop delays one.
 */
const SILENCE_MAX_MS = 3_000;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 1_000;

/** A lock of one database that at most one process holds. */
export class Leadership {
  constructor(
    private readonly url: string,
    /** Name of the lock; the same in every process. */
    private readonly lock: string,
    private readonly applicationName: string,
  ) {}

  /**
   * Runs the work whenever this process leads, until `stop` is aborted. The work's signal is aborted when the session
   * is lost and when `stop` is aborted. The lock is released, or tried again, after the work has ended. Resolves after
   * the stop. Rejects when the work rejects.
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

  /** Undefined while Postgres is unavailable. */
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
  /** Aborted when the connection, and with it the lock, is lost. */
  readonly lost: AbortController;
}

/** True when the session holds the lock; false when the session was lost or the stop came first. */
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
  const heartbeats = sendHeartbeats(client, lost, ended.signal);
  try {
    await work(signal);
  } finally {
    ended.abort();
    await heartbeats;
  }
}

/** Sends heartbeats until the end. A heartbeat without an answer means that the session is lost. */
async function sendHeartbeats(client: Client, lost: AbortController, ended: AbortSignal): Promise<void> {
  while (!ended.aborted && !lost.signal.aborted) {
    await sleep(HEARTBEAT_MS, ended);
    if (ended.aborted) return;
    await client.query('select 1').catch(() => lost.abort());
  }
}
