// The environment of the services on this machine, with values for one process.
import type { Environment } from '@gravity/kernel';
import type { LocalIssuer } from '@gravity/testing';
import type { LocalSecrets } from '../lib/secrets';

const LOOPBACK = '127.0.0.1';
// Provider and caller share one event loop with the load of all buyers, so an answer may take seconds.
const PROVIDER_DEADLINE_MS = '20000';

export interface LocalAddresses {
  /** The address of all services: `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  /** DATABASE_URL, REDIS_URL and KAFKA_BROKERS. */
  readonly stack: Readonly<Record<string, string>>;
}

/** The environment of the services. `overrides` take precedence. */
export function localEnvironment(
  addresses: LocalAddresses,
  secrets: LocalSecrets,
  issuer: LocalIssuer,
  overrides: Environment = {},
): Environment {
  const { baseUrl } = addresses;
  return {
    ...addresses.stack,
    ...issuer.env,
    HTTP_HOST: LOOPBACK,
    CURSOR_SECRET: secrets.cursorSecret,
    PAYMENT_PROVIDER: 'sandbox',
    PAYMENTS_PROVIDER_URL: baseUrl,
    PAYMENTS_PROVIDER_DEADLINE_MS: PROVIDER_DEADLINE_MS,
    PAYMENTS_PROVIDER_KEY: secrets.providerKey,
    PAYMENTS_WEBHOOK_SECRETS: secrets.webhookSecret,
    PAYMENTS_CALLBACK_URL: `${baseUrl}/orders/v1/payment-callbacks/sandbox`,
    PAYMENTS_SANDBOX_PUBLIC_URL: baseUrl,
    ...overrides,
  };
}
