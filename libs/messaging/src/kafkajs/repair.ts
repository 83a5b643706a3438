// Replaces two internal parts of kafkajs 2.2.4. Its last release is from 2023, its version is pinned, and specs compare
// the replacements with the originals.
import { systemClock } from '@gravity/kernel';
import RequestQueue from 'kafkajs/src/network/requestQueue';
import produceRequests, { type ProduceCall } from 'kafkajs/src/protocol/requests/produce';
import { encodeProduce, isPlainProduce } from './produce-encoder';

const CHECK_AGAIN_MS = 10;
let repaired = false;

/** Applies the replacements, once per process. */
export function repairKafkajs(): void {
  if (repaired) return;
  repaired = true;
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleWhenPending;
  const original = produceRequests.protocol;
  produceRequests.protocol = (of) => {
    const protocol = original(of);
    return (call) => {
      const made: ProduceCall = protocol(call);
      if (isPlainProduce(call)) {
        made.request.encode = async () => {
          const buffer = encodeProduce(call, systemClock.nowMs());
          return { buf: buffer, buffer };
        };
      }
      return made;
    };
  };
}

// The library sets this timer even when no request waits, and to a time in the past. Every connection then wakes its
// process a thousand times a second, and Node 24 warns of a negative timeout.
function scheduleWhenPending(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
  const throttledMs = this.throttledUntil - systemClock.nowMs();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? throttledMs : CHECK_AGAIN_MS,
  );
}
