// One keep-alive HTTP/1.1 connection that sends one request at a time and costs the machine as little as possible: on two
// cores the crowd must not be what is measured. It reads status and body length, and keeps the body only when asked.
import { connect, type Socket } from 'node:net';

export interface LeanAnswer {
  readonly status: number;
  /** Whether the answer says when to come again. */
  readonly retryAfter: boolean;
  /** The body, when the connection keeps bodies. */
  readonly body: string;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = 'content-length: ';

export class LeanConnection {
  private socket: Socket;
  private waiting: ((answer: LeanAnswer) => void) | undefined;
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

  /** Connects to host and port. */
  static open(host: string, port: number, keepBodies = false): Promise<LeanConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new LeanConnection(socket, keepBodies));
      });
    });
  }

  /** Sends a whole request, head and body as they go over the wire. */
  send(request: string): Promise<LeanAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting = resolve;
      this.failed = reject;
      this.socket.write(request, 'latin1');
    });
  }

  /** Gives the request under way up: it rejects. */
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

/** A request as it goes over the wire. */
export function leanRequest(path: string, token: string, body: string, idempotencyKey: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n` +
    `idempotency-key: ${idempotencyKey}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}
