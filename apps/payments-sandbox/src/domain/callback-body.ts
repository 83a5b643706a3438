// The JSON of a callback: thin, in the shape Standard Webhooks recommends (`type`, `timestamp`, `data`). Made once, when the
// event happens, so every delivery of an event carries the same bytes.
import { moneyToJson, toRfc3339 } from '@gravity/kernel';
import type { Callback, Intent } from './intent';

/** The exact text that is signed and sent. */
export function callbackBody(intent: Intent, callback: Callback): string {
  return JSON.stringify({
    type: callback.type,
    timestamp: toRfc3339(callback.occurredAtMs),
    data: {
      intentId: intent.intentId,
      orderId: intent.orderId,
      amount: moneyToJson(callback.amount),
      chargeId: callback.chargeId,
      // JSON leaves it out where there is none.
      refundId: callback.refundId,
    },
  });
}
