// Who may see an order: the buyer and the merchant their own, operators and other services every one. For anybody else
// the order does not exist.
import { type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { type Result, ok, uuidFromId } from '@gravity/kernel';
import type { Order } from './domain/order';
import type { OrderFilter } from './storage/orders.repository';

const NOT_FOUND = 'There is no such order for this caller.';

/** The uuid of an order named on the wire, or `not-found`. */
export function orderUuid(orderId: string): Result<string, Problem> {
  const uuid = uuidFromId('order', orderId);
  return uuid === undefined ? orderNotFound() : ok(uuid);
}

/** The refusal for an order that is not there, or not this caller's. */
export function orderNotFound(): Result<never, Problem> {
  return refuse('not-found', NOT_FOUND);
}

/** True when the caller may see the order. */
export function maySee(caller: CallerIdentity, order: Pick<Order, 'buyerId' | 'merchantId'>): boolean {
  if (seesAll(caller)) return true;
  if (caller.roles.has('buyer') && order.buyerId === caller.sub) return true;
  return (
    caller.roles.has('merchant') &&
    caller.merchantId !== undefined &&
    merchantUuid(caller.merchantId) === order.merchantId
  );
}

/** The caller's own orders as a filter; nothing is added for those who see all. Undefined: the caller has none. */
export function ownOrders(caller: CallerIdentity): OrderFilter | undefined {
  if (seesAll(caller)) return {};
  if (caller.roles.has('buyer')) return { buyerId: caller.sub };
  const merchantId = caller.merchantId === undefined ? undefined : merchantUuid(caller.merchantId);
  return merchantId === undefined ? undefined : { merchantId };
}

/** True for callers who see every order. */
export function seesAll(caller: CallerIdentity): boolean {
  return caller.roles.has('operator') || caller.roles.has('service');
}

function merchantUuid(merchantId: string): string | undefined {
  return uuidFromId('merchant', merchantId);
}
