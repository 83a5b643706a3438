// A merchant's server as the sandbox sees it: takes callbacks over HTTP, checks their signatures with the library a merchant
// would use, and answers as the test says.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface ReceivedCallback {
  readonly eventId: string;
  readonly type: string;
  readonly body: { type: string; timestamp: string; data: Record<string, unknown> };
  readonly atMs: number;
}

export class CallbackReceiver {
  readonly received: ReceivedCallback[] = [];
  readonly forged: string[] = [];
  /** The status of the answer, or a promise of it, per request. */
  answer: (callback: ReceivedCallback) => number | Promise<number> = () => 204;
  private readonly server: Server;
  private port = 0;

  constructor(private readonly secret: string) {
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/orders/v1/payment-callbacks`;
  }

  /** Listens, on the same port as before when it did so before. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Callbacks about one intent, in the order of their arrival. */
  of(intentId: string): ReceivedCallback[] {
    return this.received.filter((callback) => callback.body.data['intentId'] === intentId);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    try {
      new Webhook(this.secret).verify(text, request.headers as Record<string, string>);
    } catch {
      this.forged.push(text);
      response.writeHead(401).end();
      return;
    }
    const body = JSON.parse(text) as ReceivedCallback['body'];
    const callback = { eventId: String(request.headers['webhook-id']), type: body.type, body, atMs: Date.now() };
    this.received.push(callback);
    const status = await this.answer(callback);
    response.writeHead(status).end();
  }
}
