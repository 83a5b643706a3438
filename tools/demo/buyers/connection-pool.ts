// A pool of connections to one server. Each sends one request at a time; waiting requests are served in order. Buyers and
// services share two cores, so the client uses little CPU: plain sockets, and only the part of HTTP/1.1 that answers with
// a Content-Length need.
import { connect, type Socket } from 'node:net';

/** An answer. Header names are in lower case. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From sending the request to the last byte of the answer. */
  readonly ms: number;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The client closes the connection after this time, in milliseconds. */
  readonly abandonAfterMs?: number;
}

/** The client closed the connection before the answer. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

const TIMEOUT_MS = 20_000;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** A fixed number of connections. */
export class ConnectionPool {
  private readonly idle: Connection[];
  private readonly waiting: ((connection: Connection) => void)[] = [];
  private waitingFrom = 0;
  /** Requests sent. */
  sent = 0;

  constructor(baseUrl: string, size: number) {
    this.idle = Array.from({ length: size }, () => new Connection(new URL(baseUrl)));
  }

  /** Sends one request on the next free connection. Rejects with {@link Abandoned}, or with what the connection threw. */
  async send(call: Call): Promise<Answer> {
    const connection = this.idle.pop() ?? (await new Promise<Connection>((resolve) => this.waiting.push(resolve)));
    this.sent += 1;
    try {
      return await connection.exchange(call);
    } finally {
      this.release(connection);
    }
  }

  /** Closes the connections. No request may be in progress. */
  close(): void {
    for (const connection of this.idle) connection.close(new Error('the pool is closed'));
  }

  // The queue has a moving start: shifting an array of twenty thousand entries costs as much as a request.
  private release(connection: Connection): void {
    const next = this.waiting[this.waitingFrom];
    if (next === undefined) {
      this.idle.push(connection);
      return;
    }
    this.waitingFrom += 1;
    if (this.waitingFrom === this.waiting.length) {
      this.waiting.length = 0;
      this.waitingFrom = 0;
    }
    next(connection);
  }
}

interface Exchange {
  readonly started: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** One connection. It is opened again after it was closed. */
class Connection {
  private socket: Socket | undefined;
  private current: Exchange | undefined;
  private received: Buffer = NOTHING;

  constructor(private readonly server: URL) {}

  exchange(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const socket = this.socket ?? this.open();
      const timer = setTimeout(() => this.abandon(call), call.abandonAfterMs ?? TIMEOUT_MS);
      this.current = {
        started: performance.now(),
        resolve: (answer) => (clearTimeout(timer), resolve(answer)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      };
      socket.write(this.format(call));
    });
  }

  close(why: Error): void {
    const { socket, current } = this;
    this.socket = undefined;
    this.current = undefined;
    this.received = NOTHING;
    socket?.destroy();
    current?.reject(why);
  }

  private abandon(call: Call): void {
    const abandoned = call.abandonAfterMs !== undefined;
    this.close(
      abandoned
        ? new Abandoned('the client closed the connection')
        : new Error(`no answer within ${TIMEOUT_MS / 1_000} s`),
    );
  }

  private open(): Socket {
    const socket = connect({ host: this.server.hostname, port: Number(this.server.port), noDelay: true });
    const ifCurrent = (act: () => void) => (): void => {
      if (this.socket === socket) act();
    };
    socket.on('data', (chunk) => ifCurrent(() => this.read(chunk))());
    socket.on('error', (error) => ifCurrent(() => this.close(error))());
    socket.on(
      'close',
      ifCurrent(() => this.close(new Error('the server closed the connection'))),
    );
    this.socket = socket;
    return socket;
  }

  private format({ method, path, headers, body }: Call): string {
    let text = `${method} ${path} HTTP/1.1\r\nhost: ${this.server.host}\r\n`;
    for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
    if (method === 'POST') text += `content-length: ${body === undefined ? 0 : Buffer.byteLength(body)}\r\n`;
    return `${text}\r\n${body ?? ''}`;
  }

  private read(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headEnds = this.received.indexOf(HEAD_END);
    if (headEnds === -1) return;
    const { status, headers } = parseHead(this.received.toString('latin1', 0, headEnds));
    const length = Number(headers['content-length'] ?? (status === 204 ? 0 : Number.NaN));
    if (Number.isNaN(length)) return this.close(new Error(`an answer ${status} without a Content-Length`));
    const from = headEnds + HEAD_END.length;
    if (this.received.length < from + length) return;
    const body = this.received.toString('utf8', from, from + length);
    const { current } = this;
    this.current = undefined;
    this.received = NOTHING;
    if (headers['connection'] === 'close') this.close(new Error('the server closes'));
    current?.resolve({ status, headers, body, ms: performance.now() - current.started });
  }
}

function parseHead(head: string): { status: number; headers: Record<string, string> } {
  const [first = '', ...lines] = head.split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(first.slice(9, 12)), headers };
}
