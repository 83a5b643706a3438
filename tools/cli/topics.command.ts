// `topics`: creates the missing Kafka topics of all event types.
import { EVENT_TOPICS } from '@gravity/contracts';
import { type Environment, EnvReader } from '@gravity/kernel';
import { KafkaEventBus } from '@gravity/messaging';
import { UsageError } from '../lib/arguments';
import { table } from '../lib/terminal';

const PARTITIONS = 6;

export async function topicsCommand(words: readonly string[], env: Environment): Promise<number> {
  if (words.length > 0) throw new UsageError('topics takes no arguments.');
  const read = new EnvReader(env);
  const topicPrefix = read.text('KAFKA_TOPIC_PREFIX', '');
  const bus = new KafkaEventBus({ brokers: read.list('KAFKA_BROKERS'), clientId: 'gravity-cli', topicPrefix });
  try {
    await bus.ensureTopics(EVENT_TOPICS.map((topic) => ({ topic, partitions: PARTITIONS })));
  } finally {
    await bus.close();
  }
  process.stdout.write(table(EVENT_TOPICS.map((topic) => [`${topicPrefix}${topic}`, 'exists'])));
  return 0;
}
