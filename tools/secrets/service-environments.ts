// The environment of each service of a development deployment. The addresses are the names of the engines in
// docker-compose.yml and k8s/overlays/local.
import type { LocalIssuer } from '@gravity/testing';
import { SERVICES } from '../../apps/services';
import type { LocalSecrets } from '../lib/secrets';

/** One environment per service. Values hold no line break, quote or `#`, so that every reader parses them alike. */
export function serviceEnvironments(
  secrets: LocalSecrets,
  issuer: Pick<LocalIssuer, 'env'>,
  databasePassword: string,
): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const ofServices: Readonly<Record<string, string>> = {
    PAYMENTS_PROVIDER_KEY: secrets.providerKey,
    PAYMENTS_WEBHOOK_SECRETS: secrets.webhookSecret,
  };
  return new Map(
    SERVICES.map((service) => {
      const name = service.name.replaceAll('-', '_');
      const database = `postgres://gravity:${databasePassword}@postgres:5432/gravity_${name}`;
      const own = service.secrets.map((key) => {
        const value = ofServices[key];
        if (value === undefined) throw new Error(`${service.name} needs ${key}, which this tool does not make.`);
        return [key, value] as const;
      });
      return [
        service.name,
        {
          [`${name.toUpperCase()}_DATABASE_URL`]: database,
          REDIS_URL: 'redis://redis:6379',
          CURSOR_SECRET: secrets.cursorSecret,
          ...issuer.env,
          ...Object.fromEntries(own),
        },
      ];
    }),
  );
}
