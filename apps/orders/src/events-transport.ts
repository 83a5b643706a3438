/** Binds the reactions of this service to its consumer: several services may live in one process. */
export const ORDERS_EVENTS = Symbol('orders.events');
