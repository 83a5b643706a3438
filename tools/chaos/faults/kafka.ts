// Faults of Kafka: killed, frozen, unreachable.
import { freezing, killing, type FaultKind } from './fault-kind';

const parts = (): string[] => ['kafka'];

export const kafkaFaults: readonly FaultKind[] = [
  killing(
    { name: 'kafka-kill', title: 'Kafka killed and started again', lastsMs: [500, 8_000], parts },
    ({ cluster }) => cluster.kafka,
  ),
  freezing(
    { name: 'kafka-freeze', title: 'SIGSTOP of Kafka', lastsMs: [1_000, 8_000], parts },
    ({ cluster }) => cluster.kafka,
  ),
  {
    name: 'kafka-unreachable',
    title: 'Kafka out of reach',
    lastsMs: [5_000, 60_000],
    parts,
    inject: async ({ cluster }, { strength }) => {
      if (strength < 0.5) cluster.kafkaLink.hold();
      else {
        await cluster.kafkaLink.refuse();
        cluster.kafkaLink.cutAll();
      }
      return () => cluster.kafkaLink.heal();
    },
  },
  {
    name: 'kafka-slow',
    title: 'a slow link to Kafka',
    lastsMs: [1_000, 6_000],
    parts,
    inject: async ({ cluster }, { strength }) => {
      cluster.kafkaLink.delay(Math.round(50 + strength * 500));
      return () => cluster.kafkaLink.heal();
    },
  },
];
