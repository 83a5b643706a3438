// Makes clients of kafkajs 2.2.4.
import { Kafka, logLevel } from 'kafkajs';
import { repairKafkajs } from './kafkajs/repair';
import type { MessagingLog } from './log';

/** The brokers, and the prefix of the deployment. */
export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Put before every topic and group, so that deployments can share a cluster. */
  readonly topicPrefix?: string;
}

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** The library retries little: its callers back off and start again with a new client. */
const RETRY = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 };

/**
 * A client. The library logs ordinary events (a rebalance, a coordinator that loads, a refused connection) as errors.
 * Each failure also rejects a promise or crashes a consumer, and is logged there, so the library's own lines have level
 * debug.
 */
export function createKafka(connection: KafkaConnection, log: MessagingLog): Kafka {
  repairKafkajs();
  return new Kafka({
    clientId: connection.clientId,
    brokers: [...connection.brokers],
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, label, log: entry }) => {
        log.debug(`kafkajs ${namespace}: ${entry.message}`, { level: label, error: String(entry['error'] ?? '') });
      },
  });
}

/** The broker's name for an error, from the chain of causes of a kafkajs error. */
export function kafkaErrorType(error: unknown): string | undefined {
  const DEPTH_MAX = 5;
  let current: unknown = error;
  for (let depth = 0; depth < DEPTH_MAX && typeof current === 'object' && current !== null; depth += 1) {
    const type = (current as { type?: unknown }).type;
    if (typeof type === 'string') return type;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}
