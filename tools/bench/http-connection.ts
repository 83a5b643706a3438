// A keep-alive HTTP/1.1 connection with one request at a time. It uses little CPU, because clients and services share two
// cores. It reads the status and the length of the body, and keeps the body only on request.
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  /** Whether the answer has a Retry-After header. */
  readonly retryAfter: boolean;
  /** The body; empty unless the connection keeps bodies. */
  readonly body: string;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = 'content-length: ';

export class HttpConnection {
  private socket: Socket;
  private waiting: ((answer: HttpAnswer) => void) | undefined;
  private failed: ((error: Error) => void) | undefined;
  private pending: Buffer | undefined;

  private constructor(
    socket: Socket,
    private readonly keepBodies: boolean,
  ) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('connection closed')));
  }

  /** Connects; rejects when the server does not accept. */
  static open(host: string, port: number, keepBodies = false): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new HttpConnection(socket, keepBodies));
      });
    });
  }

  /** Sends a complete request, head and body as text. Rejects when the connection fails. */
  send(request: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting = resolve;
      this.failed = reject;
      this.socket.write(request, 'latin1');
    });
  }

  /** Closes the connection; a request in progress rejects. */
  abort(): void {
    this.socket.destroy();
  }

  close(): void {
    this.failed = undefined;
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    const data = this.pending === undefined ? chunk : Buffer.concat([this.pending, chunk]);
    const headEnd = data.indexOf(HEAD_END);
    if (headEnd < 0) {
      this.pending = data;
      return;
    }
    const head = data.toString('latin1', 0, headEnd).toLowerCase();
    const at = head.indexOf(LENGTH);
    const length = at < 0 ? 0 : Number.parseInt(head.slice(at + LENGTH.length), 10);
    const end = headEnd + HEAD_END.length + length;
    if (data.length < end) {
      this.pending = data;
      return;
    }
    this.pending = undefined;
    const status = Number(head.slice(9, 12));
    const body = this.keepBodies ? data.toString('utf8', headEnd + HEAD_END.length, end) : '';
    const resolve = this.waiting;
    this.waiting = this.failed = undefined;
    resolve?.({ status, retryAfter: status >= 400 && head.includes('\r\nretry-after: '), body });
  }

  private fail(error: Error): void {
    const reject = this.failed;
    this.waiting = this.failed = undefined;
    reject?.(error);
  }
}

/** The text of a POST request with a JSON body. */
export function postRequest(path: string, token: string, body: string, idempotencyKey: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n` +
    `idempotency-key: ${idempotencyKey}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}
