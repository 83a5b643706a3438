// What each service of a development deployment may know. The addresses are the names that docker-compose.yml and
// k8s/overlays/local give to the engines.
import type { LocalIssuer } from '@gravity/testing';
import type { LocalSecrets } from '../lib/secrets';

const SERVICES = ['catalog', 'orders', 'payments-sandbox'] as const;

export type ServiceName = (typeof SERVICES)[number];

/** One environment per service. Values hold no line break, quote or `#`, so that every reader of such files agrees. */
export function serviceEnvironments(
  secrets: LocalSecrets,
  issuer: Pick<LocalIssuer, 'env'>,
  databasePassword: string,
): ReadonlyMap<ServiceName, Readonly<Record<string, string>>> {
  const payments = { PAYMENTS_PROVIDER_KEY: secrets.providerKey, PAYMENTS_WEBHOOK_SECRETS: secrets.webhookSecret };
  return new Map(
    SERVICES.map((service) => {
      const name = service.replaceAll('-', '_');
      const database = `postgres://gravity:${databasePassword}@postgres:5432/gravity_${name}`;
      return [
        service,
        {
          [`${name.toUpperCase()}_DATABASE_URL`]: database,
          REDIS_URL: 'redis://redis:6379',
          CURSOR_SECRET: secrets.cursorSecret,
          ...issuer.env,
          ...(service === 'catalog' ? {} : payments),
        },
      ];
    }),
  );
}
