// Everything that is particular to kafkajs 2.2.4 when a client is made.
import { Kafka, logLevel } from 'kafkajs';
import { repairKafkajs } from './kafkajs/repair';
import type { MessagingLog } from './log';

export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Put before every topic and group, so that deployments can share a cluster. */
  readonly topicPrefix?: string;
}

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** The library retries little; whoever uses it backs off and starts afresh. */
const RETRY = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 };

/**
 * A client. The library logs ordinary life (rebalances, a coordinator still loading, every refused connection) as
 * errors; each real failure also rejects a promise or crashes a consumer, and is reported there. So its own lines are
 * for debugging.
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

/** The broker's name for an error, as kafkajs hides it under its causes. */
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
