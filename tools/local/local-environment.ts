// The environment of the services on this machine: the same keys as everywhere else, with values that fit one process.
import type { Environment } from '@gravity/kernel';
import type { LocalIssuer } from '@gravity/testing';
import type { LocalSecrets } from '../lib/secrets';

const LOOPBACK = '127.0.0.1';
// Provider and caller share one event loop here, and with it every rush of buyers: an answer may well take seconds.
const PROVIDER_DEADLINE_MS = '20000';

export interface LocalAddresses {
  /** Where everything answers: `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  /** DATABASE_URL, REDIS_URL and KAFKA_BROKERS. */
  readonly stack: Readonly<Record<string, string>>;
}

/** What the services read. Values set in `overrides` win. */
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
