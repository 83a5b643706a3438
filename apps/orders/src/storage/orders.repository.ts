// Reads of orders outside any decision: one order, a page, and the versions of watched orders.
import { Injectable } from '@nestjs/common';
import { Database } from '@gravity/persistence';
import type { Order, OrderStatus } from '../domain/order';
import {
  LOADED_COLUMNS,
  type LoadedOrder,
  type LoadedRow,
  ORDER_COLUMNS,
  type OrderRow,
  loadedFromRow,
  orderFromRow,
} from './order-rows';

/** Conditions of a list of orders; all that are given must hold. Ids are uuids. */
export interface OrderFilter {
  readonly buyerId?: string | undefined;
  readonly merchantId?: string | undefined;
  readonly roundId?: string | undefined;
  readonly status?: OrderStatus | undefined;
}

@Injectable()
export class OrdersRepository {
  constructor(private readonly database: Database) {}

  /** The order, or undefined. */
  async find(orderId: string): Promise<Order | undefined> {
    return (await this.findMany([orderId]))[0];
  }

  /** The orders that exist, in no order. */
  async findMany(orderIds: readonly string[]): Promise<Order[]> {
    const text = `select ${ORDER_COLUMNS} from orders o where o.order_id = any($1::uuid[])`;
    return (await this.database.query<OrderRow>(text, [orderIds], 'orders-find')).map(orderFromRow);
  }

  /** The order with its intent and refunds, as of now; a decision reads it again under its lock. */
  async peek(orderId: string): Promise<LoadedOrder | undefined> {
    const text = `select ${LOADED_COLUMNS} from orders o where o.order_id = $1`;
    const [row] = await this.database.query<LoadedRow>(text, [orderId], 'orders-peek');
    return row && loadedFromRow(row);
  }

  /** Up to `limit` orders, newest first, that come after `beforeId` in the list. */
  async page(filter: OrderFilter, beforeId: string | undefined, limit: number): Promise<Order[]> {
    const conditions: string[] = [];
    const params: unknown[] = [];
    const add = (condition: (parameter: string) => string, value: unknown): void => {
      if (value === undefined) return;
      params.push(value);
      conditions.push(condition(`$${params.length}`));
    };
    add((p) => `o.buyer_id = ${p}`, filter.buyerId);
    add((p) => `o.merchant_id = ${p}`, filter.merchantId);
    // Orders are indexed by item, and a round has few items.
    add((p) => `o.item_id in (select item_id from round_items where round_id = ${p})`, filter.roundId);
    add((p) => `o.status = ${p}`, filter.status);
    add((p) => `o.order_id < ${p}`, beforeId);
    params.push(limit);
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
    const text = `select ${ORDER_COLUMNS} from orders o ${where} order by o.order_id desc limit $${params.length}`;
    return (await this.database.query<OrderRow>(text, params)).map(orderFromRow);
  }

  /** The present version of each of the orders. */
  async versions(orderIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.database.query<{ order_id: string; sequence: number }>(
      'select order_id, sequence from orders where order_id = any($1::uuid[])',
      [orderIds],
      'orders-versions',
    );
    return new Map(rows.map((row) => [row.order_id, row.sequence]));
  }
}
