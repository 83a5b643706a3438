// Progress of orders for waiting clients. One query every quarter second serves all streams of the process: the cost
// follows the number of changed orders, not the number of clients.
import { Loop } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import type { Order } from '../../domain/order';
import { type OrderView, orderView } from '../../order-view';
import { OrdersRepository } from '../../storage/orders.repository';

/** Streams of one process; further callers are refused and come back later. */
export const STREAMS_MAX = 10_000;
/** Streams of one caller in one process. */
export const STREAMS_PER_CALLER_MAX = 20;
const POLL_MS = 250;

export interface Watch {
  readonly orderId: string;
  readonly caller: string;
  /** Version the watcher has seen; only later ones are told. */
  seen: number;
  /** Told each new version, in order; versions in between may be left out. */
  readonly tell: (order: OrderView, over: boolean) => void;
}

/** True when no change is expected soon: the stream ends. */
export function isOver(order: Pick<Order, 'status'>): boolean {
  return order.status === 'PAID' || order.status === 'CLOSED' || order.status === 'REFUNDED';
}

@Injectable()
export class OrderWatcher extends Loop {
  private readonly watches = new Map<string, Set<Watch>>();
  private readonly byCaller = new Map<string, number>();
  private streams = 0;

  constructor(private readonly orders: OrdersRepository) {
    super({ name: 'order-watcher', pauseMs: POLL_MS });
  }

  /** Streams that are open. */
  get count(): number {
    return this.streams;
  }

  /** Begins a watch; false when there are too many already. End it with {@link remove}. */
  add(watch: Watch): boolean {
    const own = this.byCaller.get(watch.caller) ?? 0;
    if (this.streams >= STREAMS_MAX || own >= STREAMS_PER_CALLER_MAX) return false;
    const known = this.watches.get(watch.orderId);
    if (known === undefined) this.watches.set(watch.orderId, new Set([watch]));
    else known.add(watch);
    this.byCaller.set(watch.caller, own + 1);
    this.streams += 1;
    return true;
  }

  /** Ends a watch; a second call changes nothing. */
  remove(watch: Watch): void {
    const known = this.watches.get(watch.orderId);
    if (known === undefined || !known.delete(watch)) return;
    if (known.size === 0) this.watches.delete(watch.orderId);
    const own = (this.byCaller.get(watch.caller) ?? 1) - 1;
    if (own === 0) this.byCaller.delete(watch.caller);
    else this.byCaller.set(watch.caller, own);
    this.streams -= 1;
  }

  protected override async turn(): Promise<void> {
    if (this.watches.size === 0) return;
    const versions = await this.orders.versions([...this.watches.keys()]);
    const changed = [...versions]
      .filter(([orderId, version]) => this.isNew(orderId, version))
      .map(([orderId]) => orderId);
    if (changed.length === 0) return;
    for (const order of await this.orders.findMany(changed)) this.tell(order);
  }

  private isNew(orderId: string, version: number): boolean {
    for (const watch of this.watches.get(orderId) ?? []) if (watch.seen < version) return true;
    return false;
  }

  private tell(order: Order): void {
    const view = orderView(order);
    for (const watch of [...(this.watches.get(order.orderId) ?? [])]) {
      if (watch.seen >= order.sequence) continue;
      watch.seen = order.sequence;
      watch.tell(view, isOver(order));
    }
  }
}
