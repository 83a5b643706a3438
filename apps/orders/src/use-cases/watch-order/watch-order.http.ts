// Server-sent events of one order. A client that comes back with Last-Event-ID gets only later versions; when the order
// is over and seen, the answer is 204, which tells an EventSource to stop.
import { callerOf, type HttpReply, type HttpRequest, sendProblem, ShutdownHooks } from '@gravity/http';
import { found, IdParam, maySee, Operation } from '@gravity/service';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { type OrderView, orderView } from '../../order-view';
import { OrdersRepository } from '../../storage/orders.repository';
import { isOver, OrderWatcher, type Watch } from './order-watcher';

const HEARTBEAT_MS = 15_000;
/** A reader that leaves this much unread, in bytes, is cut off; it may come back with Last-Event-ID. */
const UNREAD_BYTES_MAX = 65_536;
/** Pause of a client before it comes back, in ms. */
const RECONNECT_MS = 1_000;

@Controller('orders/v1/orders')
export class WatchOrderHttp {
  constructor(
    private readonly orders: OrdersRepository,
    private readonly watcher: OrderWatcher,
    private readonly shutdown: ShutdownHooks,
  ) {}

  @Get(':orderId/events')
  @Operation({
    id: 'watchOrder',
    summary: "Server-sent events of one order's progress",
    description:
      'Event `order` carries the order and has its version as id. The stream ends when the order is paid, closed or refunded. ' +
      'With `Last-Event-ID` only later versions are sent; 204 when the order is over and nothing is new. An id that is no ' +
      'version of the order, or one ahead of it, counts as nothing seen.',
    callers: ['buyer'],
    tags: ['orders'],
    problems: ['not-found', 'overloaded'],
  })
  @ApiResponse({
    status: 200,
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiResponse({ status: 204, description: 'The order is over and the caller has seen it.' })
  async watch(@IdParam('order') orderId: string, @Req() request: HttpRequest, @Res() reply: HttpReply): Promise<void> {
    const caller = callerOf(request);
    const known = found('order', orderId, await this.orders.find(orderId), (one) => maySee(caller, one));
    if (!known.ok) return sendProblem(reply, known.error);
    const order = known.value;
    const seen = seenOf(request.headers['last-event-id'], order.sequence);
    if (isOver(order) && seen === order.sequence) {
      reply.code(204).send();
      return;
    }
    const stream = new Stream(reply);
    const watch: Watch = {
      orderId: order.orderId,
      caller: caller.sub,
      seen: order.sequence,
      tell: (view, over) => stream.tell(view, over),
    };
    if (!this.watcher.add(watch)) {
      return sendProblem(reply, { code: 'overloaded', detail: 'Too many streams are open.', retryAfterSeconds: 5 });
    }
    stream.open(this.shutdown.stopping, () => this.watcher.remove(watch));
    if (seen < order.sequence) stream.tell(orderView(order), isOver(order));
  }
}

/**
 * The version that the client saw last, at most the present one. A missing or bad id counts as nothing seen, and so
 * does one ahead of the order: it is of another order or of a database that was restored, and the client would wait
 * without an event.
 */
function seenOf(header: string | string[] | undefined, presentVersion: number): number {
  const version = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  return version > presentVersion ? 0 : version;
}

/** One answer without an end, until one of: the order is over, the reader leaves or lags, the process stops. */
class Stream {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly reply: HttpReply) {}

  /** Sends the head of the answer. `onEnd` runs once, at every kind of end. */
  open(stopping: AbortSignal, onEnd: () => void): void {
    const { raw } = this.reply;
    // Headers that hooks have set so far (request id, security) belong to the answer.
    const headers = Object.entries(this.reply.getHeaders()).filter(([, value]) => value !== undefined);
    this.reply.hijack();
    raw.writeHead(200, {
      ...(Object.fromEntries(headers) as Record<string, string | number | string[]>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.write(`retry: ${RECONNECT_MS}\n\n`);
    const stop = (): void => this.end();
    this.timer = setInterval(() => this.write(': still here\n\n'), HEARTBEAT_MS);
    raw.once('close', () => {
      clearInterval(this.timer);
      stopping.removeEventListener('abort', stop);
      onEnd();
    });
    if (stopping.aborted) this.end();
    else stopping.addEventListener('abort', stop, { once: true });
  }

  /** One version of the order; the last one ends the stream. */
  tell(order: OrderView, over: boolean): void {
    this.write(`event: order\nid: ${order.version}\ndata: ${JSON.stringify(order)}\n\n`);
    if (over) this.end();
  }

  private write(text: string): void {
    const { raw } = this.reply;
    if (raw.writableEnded || raw.destroyed) return;
    raw.write(text);
    if (raw.writableLength > UNREAD_BYTES_MAX) raw.destroy();
  }

  private end(): void {
    clearInterval(this.timer);
    if (!this.reply.raw.writableEnded) this.reply.raw.end();
  }
}
