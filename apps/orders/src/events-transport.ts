/** Binds the reactions of this service to its consumer: several services may live in one process. */
export const ORDERS_EVENTS = Symbol('orders.events');

/** Provider token of the consumer itself. */
export const ORDERS_EVENT_SERVER = Symbol('orders.event-server');
