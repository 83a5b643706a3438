// Everything the sandbox reads from the environment, once, at start.
import type { EnvReader } from '@gravity/kernel';
import { Secret } from '@gravity/observability';
import { configOf } from '@gravity/service';

export interface SandboxConfig {
  /** The key of the merchant's server. */
  readonly serverKey: Secret;
  /** The receiver of callbacks. */
  readonly callbackUrl: URL;
  /** Callbacks are signed with each of these. */
  readonly webhookSecrets: readonly Secret[];
  /** Origin in front of `payUrl`; without it a `payUrl` is a path on the origin that was called. */
  readonly publicUrl: string;
  readonly deliveryConcurrency: number;
  readonly deliveryTimeoutMs: number;
}

export const SERVICE = 'payments-sandbox';

/** DI token of {@link SandboxConfig}. */
export const SANDBOX_CONFIG = configOf(SERVICE);

const KEY_LENGTH_MIN = 16;
const SECRETS_MAX = 4;

/** Reads the configuration; a fault names its key and shows no value of a secret. */
export function readSandboxConfig(read: EnvReader): SandboxConfig {
  const key = read.text('PAYMENTS_PROVIDER_KEY');
  const callbackUrl = read.text('PAYMENTS_CALLBACK_URL');
  const secrets = read.list('PAYMENTS_WEBHOOK_SECRETS');
  read.check(
    key === '' || key.length >= KEY_LENGTH_MIN,
    `PAYMENTS_PROVIDER_KEY is shorter than ${KEY_LENGTH_MIN} characters`,
  );
  const wellFormed = secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret));
  read.check(
    secrets.length > 0 && secrets.length <= SECRETS_MAX && wellFormed,
    `PAYMENTS_WEBHOOK_SECRETS is not a comma list of 1 to ${SECRETS_MAX} whsec_… secrets of 24 bytes or more`,
  );
  read.check(callbackUrl === '' || URL.canParse(callbackUrl), 'PAYMENTS_CALLBACK_URL is not a URL');
  return {
    serverKey: new Secret(key),
    // A malformed one is a fault already.
    callbackUrl: new URL(URL.canParse(callbackUrl) ? callbackUrl : 'http://localhost'),
    webhookSecrets: secrets.map((secret) => new Secret(secret)),
    publicUrl: read.text('PAYMENTS_SANDBOX_PUBLIC_URL', '').replace(/\/$/, ''),
    deliveryConcurrency: read.integer('PAYMENTS_SANDBOX_DELIVERY_CONCURRENCY', 32, { min: 1, max: 256 }),
    deliveryTimeoutMs: read.integer('PAYMENTS_SANDBOX_DELIVERY_TIMEOUT_MS', 5_000, { min: 100, max: 30_000 }),
  };
}
