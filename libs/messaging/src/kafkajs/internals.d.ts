// Types of the internal parts of kafkajs 2.2.4 that repair.ts replaces. The version is pinned, and specs compare the
// replacements with the originals.
declare module 'kafkajs/src/network/requestQueue' {
  class RequestQueue {
    readonly pending: readonly unknown[];
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    throttledUntil: number;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
  export = RequestQueue;
}

declare module 'kafkajs/src/protocol/requests/produce' {
  export interface ProducedMessage {
    readonly key?: string | null;
    readonly value: string | null;
    readonly headers?: Readonly<Record<string, string>>;
    readonly timestamp?: string;
  }
  export interface ProduceArguments {
    readonly acks: number;
    readonly timeout: number;
    readonly compression: number;
    readonly transactionalId?: string | undefined;
    readonly producerId: string;
    readonly producerEpoch: number;
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly firstSequence: number;
        readonly messages: readonly ProducedMessage[];
      }[];
    }[];
  }
  /** The library's buffer of bytes written so far. */
  export interface Encoded {
    readonly buf: Buffer;
    readonly buffer: Buffer;
  }
  export interface ProduceCall {
    readonly request: { encode: () => Promise<Encoded> };
    readonly response: unknown;
  }
  const requests: {
    protocol: (of: { version: number }) => (call: ProduceArguments) => ProduceCall;
  };
  // eslint-disable-next-line no-restricted-syntax -- how the interop of a CommonJS module is declared
  export default requests;
}
