// Many connections to one server, a request at a time on each, handed out first come first served. The crowd shares two
// cores with what it tests, so a request must cost little here: plain sockets, and just enough of HTTP/1.1 to read the
// answers of a server that always says how long they are.
import { connect, type Socket } from 'node:net';

/** One answer. Header names are lower-case. */
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
  /** The client gives up and closes the connection after this long. */
  readonly abandonAfterMs?: number;
}

/** The client gave up before the answer came. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

const TIMEOUT_MS = 20_000;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** A fixed number of connections. */
export class Lanes {
  private readonly idle: Lane[];
  private readonly waiting: ((lane: Lane) => void)[] = [];
  private waitingFrom = 0;
  /** Requests sent. */
  sent = 0;

  constructor(baseUrl: string, connections: number) {
    this.idle = Array.from({ length: connections }, () => new Lane(new URL(baseUrl)));
  }

  /** Sends one request on the next free connection. Rejects with {@link Abandoned}, or with what the connection threw. */
  async send(call: Call): Promise<Answer> {
    const lane = this.idle.pop() ?? (await new Promise<Lane>((resolve) => this.waiting.push(resolve)));
    this.sent += 1;
    try {
      return await lane.exchange(call);
    } finally {
      this.release(lane);
    }
  }

  /** Closes the connections. Nothing may be under way any more. */
  close(): void {
    for (const lane of this.idle) lane.close(new Error('the crowd has gone home'));
  }

  // A queue with a moving start: shifting an array of twenty thousand costs as much as a request.
  private release(lane: Lane): void {
    const next = this.waiting[this.waitingFrom];
    if (next === undefined) {
      this.idle.push(lane);
      return;
    }
    this.waitingFrom += 1;
    if (this.waitingFrom === this.waiting.length) {
      this.waiting.length = 0;
      this.waitingFrom = 0;
    }
    next(lane);
  }
}

interface Exchange {
  readonly started: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** One connection, made anew when it is gone. */
class Lane {
  private socket: Socket | undefined;
  private current: Exchange | undefined;
  private received: Buffer = NOTHING;

  constructor(private readonly server: URL) {}

  exchange(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const socket = this.socket ?? this.open();
      const timer = setTimeout(() => this.giveUp(call), call.abandonAfterMs ?? TIMEOUT_MS);
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

  private giveUp(call: Call): void {
    const impatient = call.abandonAfterMs !== undefined;
    this.close(impatient ? new Abandoned('the client gave up') : new Error(`no answer within ${TIMEOUT_MS / 1_000} s`));
  }

  private open(): Socket {
    const socket = connect({ host: this.server.hostname, port: Number(this.server.port), noDelay: true });
    const mine = (act: () => void) => (): void => {
      if (this.socket === socket) act();
    };
    socket.on('data', (chunk) => mine(() => this.read(chunk))());
    socket.on('error', (error) => mine(() => this.close(error))());
    socket.on(
      'close',
      mine(() => this.close(new Error('the server closed the connection'))),
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
    if (Number.isNaN(length)) return this.close(new Error(`an answer ${status} that does not say how long it is`));
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
