// Everything the sandbox reads from the environment, once, at start.
import { ConfigurationError, type Environment, EnvReader } from '@gravity/kernel';
import { Secret } from '@gravity/observability';

export interface SandboxConfig {
  /** What the merchant's server calls us with. */
  readonly serverKey: Secret;
  /** Where callbacks go. */
  readonly callbackUrl: URL;
  /** Callbacks are signed with each of these. */
  readonly webhookSecrets: readonly Secret[];
  /** Origin in front of `payUrl`; without it a `payUrl` is a path on the origin that was called. */
  readonly publicUrl: string;
  readonly deliveryConcurrency: number;
  readonly deliveryTimeoutMs: number;
}

/** DI token of {@link SandboxConfig}. */
export const SANDBOX_CONFIG = Symbol('SandboxConfig');

const MIN_KEY_LENGTH = 16;
const MAX_SECRETS = 4;

/** Reads and checks the configuration; throws ConfigurationError that names every faulty key and shows no value of a secret. */
export function readSandboxConfig(env: Environment): SandboxConfig {
  const reader = new EnvReader(env);
  const key = reader.text('PAYMENTS_PROVIDER_KEY');
  const callbackUrl = reader.text('PAYMENTS_CALLBACK_URL');
  const secrets = reader.list('PAYMENTS_WEBHOOK_SECRETS');
  const config = {
    serverKey: new Secret(key),
    webhookSecrets: secrets.map((secret) => new Secret(secret)),
    publicUrl: reader.text('PAYMENTS_SANDBOX_PUBLIC_URL', '').replace(/\/$/, ''),
    deliveryConcurrency: reader.integer('PAYMENTS_SANDBOX_DELIVERY_CONCURRENCY', 32, { min: 1, max: 256 }),
    deliveryTimeoutMs: reader.integer('PAYMENTS_SANDBOX_DELIVERY_TIMEOUT_MS', 5_000, { min: 100, max: 30_000 }),
  };
  reader.done();
  if (key.length < MIN_KEY_LENGTH)
    throw new ConfigurationError(`PAYMENTS_PROVIDER_KEY is shorter than ${MIN_KEY_LENGTH} characters.`);
  const wellFormed = secrets.every((secret) => /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret));
  if (secrets.length === 0 || secrets.length > MAX_SECRETS || !wellFormed) {
    throw new ConfigurationError(
      `PAYMENTS_WEBHOOK_SECRETS is not a comma list of 1 to ${MAX_SECRETS} whsec_… secrets of 24 bytes or more.`,
    );
  }
  if (!URL.canParse(callbackUrl)) throw new ConfigurationError('PAYMENTS_CALLBACK_URL is not a URL.');
  return { ...config, callbackUrl: new URL(callbackUrl) };
}
