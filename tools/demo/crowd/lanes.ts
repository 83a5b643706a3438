// Many connections to one server, each a request at a time, handed out first come first served. Raw undici clients: the
// crowd shares its two cores with what it tests, so a request must cost little here.
import { Client } from 'undici';

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** From sending the request to the last byte of the answer. */
  readonly ms: number;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** The client gives up and closes the connection after this long. */
  readonly abandonAfterMs?: number;
}

/** The client gave up before the answer came. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

const TIMEOUT_MS = 20_000;

/** A fixed number of connections. */
export class Lanes {
  private readonly idle: Client[];
  private readonly clients: readonly Client[];
  private readonly waiting: ((client: Client) => void)[] = [];
  private waitingFrom = 0;
  /** Requests sent. */
  sent = 0;

  constructor(baseUrl: string, connections: number) {
    const options = { pipelining: 1, keepAliveTimeout: 60_000, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
    this.clients = Array.from({ length: connections }, () => new Client(baseUrl, options));
    this.idle = [...this.clients];
  }

  /** Sends one request on the next free connection. Rejects with {@link Abandoned}, or with what the connection threw. */
  async send(call: Call): Promise<Answer> {
    const client = this.idle.pop() ?? (await new Promise<Client>((resolve) => this.waiting.push(resolve)));
    try {
      return await this.exchange(client, call);
    } finally {
      this.release(client);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.destroy()));
  }

  private async exchange(client: Client, call: Call): Promise<Answer> {
    const { method, path, headers, body, abandonAfterMs } = call;
    const giveUp = abandonAfterMs === undefined ? undefined : new AbortController();
    const timer = giveUp && setTimeout(() => giveUp.abort(new Abandoned(`after ${abandonAfterMs} ms`)), abandonAfterMs);
    const started = performance.now();
    this.sent += 1;
    try {
      const answer = await client.request({ method, path, headers, body: body ?? null, ...(giveUp ? { signal: giveUp.signal } : {}) });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers, body: text, ms: performance.now() - started };
    } catch (error) {
      throw giveUp?.signal.aborted === true ? new Abandoned('the client gave up', { cause: error }) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  // A queue with a moving start: shifting an array of twenty thousand costs as much as a request.
  private release(client: Client): void {
    const next = this.waiting[this.waitingFrom];
    if (next === undefined) {
      this.idle.push(client);
      return;
    }
    this.waitingFrom += 1;
    if (this.waitingFrom === this.waiting.length) {
      this.waiting.length = 0;
      this.waitingFrom = 0;
    }
    next(client);
  }
}
