import type { ServiceDefinition } from '@gravity/http';
import type { Environment } from '@gravity/kernel';
import { migrate, serviceDatabaseUrl } from '@gravity/persistence';
import { PaymentsSandboxModule, SERVICE } from './payments-sandbox.module';
import { CreateIntents1764000000000 } from './storage/migrations/1764000000000-create-intents';

/** The sandbox payment provider, ready to be booted alone or beside other services. Throws ConfigurationError. */
export function paymentsSandboxService(env: Environment): ServiceDefinition {
  const url = serviceDatabaseUrl(env, SERVICE);
  return {
    name: SERVICE,
    module: PaymentsSandboxModule.forRoot(env),
    migrate: async () => {
      await migrate({ url, service: SERVICE, migrations: [CreateIntents1764000000000] });
    },
  };
}
