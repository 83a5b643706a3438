// Wiring only: the table of contents of the orders service.
import { EVENT_TOPICS } from '@gravity/contracts';
import { APP_LOGGER } from '@gravity/http';
import type { Environment } from '@gravity/kernel';
import { KafkaEventBus, OutboxRelay } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database, openDatabase } from '@gravity/persistence';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { claimControllers, claimProviders } from './claims.module-parts';
import { type OrdersConfig, readOrdersConfig, SERVICE } from './orders-config';
import { OrdersRuntime } from './orders-runtime';
import { PAYMENT_PROVIDER } from './payments/payment-provider';
import { paymentProviderFromEnv } from './payments/provider-from-env';
import { paymentControllers, paymentProviders } from './payments.module-parts';
import { eventServerProvider, roundControllers, roundProviders } from './rounds.module-parts';

const PARTITIONS = 6;
const TOPICS = EVENT_TOPICS.filter((topic) => topic.startsWith(`${SERVICE}.`));

@Module({})
export class OrdersModule {
  /** The module configured from the environment; throws ConfigurationError. */
  static forRoot(env: Environment): DynamicModule {
    const config = readOrdersConfig(env);
    return {
      module: OrdersModule,
      controllers: [...claimControllers, ...roundControllers, ...paymentControllers],
      providers: [
        ...infrastructure(config),
        { provide: PAYMENT_PROVIDER, useFactory: () => paymentProviderFromEnv(env) },
        ...claimProviders(config),
        ...roundProviders,
        ...paymentProviders,
        eventServerProvider(config),
        OrdersRuntime,
      ],
    };
  }
}

function infrastructure(config: OrdersConfig): Provider[] {
  const { databaseUrl: url, poolSize, kafkaBrokers: brokers, topicPrefix } = config;
  const topics = TOPICS.map((topic) => ({ topic, partitions: PARTITIONS }));
  return [
    { provide: Database, useFactory: () => openDatabase({ url, applicationName: SERVICE, poolSize }) },
    {
      provide: KafkaEventBus,
      inject: [APP_LOGGER],
      useFactory: (log: AppLogger) => new KafkaEventBus({ brokers, clientId: SERVICE, topicPrefix, topics, log }),
    },
    {
      provide: OutboxRelay,
      inject: [KafkaEventBus, APP_LOGGER],
      useFactory: (bus: KafkaEventBus, log: AppLogger) => new OutboxRelay({ url, bus, service: SERVICE, log }),
    },
  ];
}
