import { protoPackage } from '@gravity/contracts';
import type { ServiceDefinition } from '@gravity/http';
import type { Environment } from '@gravity/kernel';
import { migrate, serviceDatabaseUrl } from '@gravity/persistence';
import { ORDERS_EVENT_SERVER } from './events-transport';
import { SERVICE } from './orders-config';
import { OrdersModule } from './orders.module';
import { ordersMigrations } from './storage/migrations';

/** The orders service, ready to be booted alone or beside other services. Throws ConfigurationError. */
export function ordersService(env: Environment): ServiceDefinition {
  const url = serviceDatabaseUrl(env, SERVICE);
  return {
    name: SERVICE,
    module: OrdersModule.forRoot(env),
    grpc: protoPackage('orders'),
    eventServer: ORDERS_EVENT_SERVER,
    migrate: async () => {
      await migrate({ url, service: SERVICE, migrations: ordersMigrations });
    },
  };
}
