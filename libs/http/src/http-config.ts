// The configuration of bootServices, from the environment. All faults are reported in one line.
import type { JSONWebKeySet } from 'jose';
import { ConfigurationError, type Environment, EnvReader } from '@gravity/kernel';

const CURSOR_SECRET_LENGTH_MIN = 32;

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number | undefined;
  readonly adminPort: number | undefined;
  readonly auth: {
    readonly issuer: string;
    readonly audience: string;
    readonly keys: { url: string } | { set: JSONWebKeySet };
  };
  readonly cursorSecret: string;
  readonly redisUrl: string | undefined;
  readonly shutdownDrainMs: number;
  readonly shutdownTimeoutMs: number;
  /** Number of trusted proxies before this process, which name the client's address. */
  readonly trustedProxies: number;
  /** Requests per second that one address may send without a valid token; 0: no limit. */
  readonly badTokensPerSecond: number;
}

/** Reads and checks the configuration; throws {@link ConfigurationError}. */
export function readHttpConfig(env: Environment): HttpConfig {
  const read = new EnvReader(env);
  const port = { min: 0, max: 65_535 };
  const jwks = read.optional('AUTH_JWKS');
  const url = read.optional('AUTH_JWKS_URL');
  const cursorSecret = read.text('CURSOR_SECRET');
  const config = {
    host: read.text('HTTP_HOST', '127.0.0.1'),
    port: read.integer('HTTP_PORT', 0, port),
    grpcPort: read.optional('GRPC_PORT') === undefined ? undefined : read.integer('GRPC_PORT', 0, port),
    adminPort: read.optional('ADMIN_PORT') === undefined ? undefined : read.integer('ADMIN_PORT', 0, port),
    auth: {
      issuer: read.text('AUTH_ISSUER'),
      audience: read.text('AUTH_AUDIENCE', 'gravity'),
      keys: jwks === undefined ? { url: url ?? '' } : { set: parseKeySet(jwks) },
    },
    cursorSecret,
    redisUrl: read.optional('REDIS_URL'),
    shutdownDrainMs: read.integer('SHUTDOWN_DRAIN_MS', 0, { min: 0, max: 120_000 }),
    shutdownTimeoutMs: read.integer('SHUTDOWN_TIMEOUT_MS', 25_000, { min: 1_000, max: 600_000 }),
    trustedProxies: read.integer('TRUSTED_PROXIES', 0, { min: 0, max: 10 }),
    badTokensPerSecond: read.integer('BAD_TOKENS_PER_SECOND', 250, { min: 0, max: 100_000 }),
  };
  if (jwks === undefined) read.text('AUTH_JWKS_URL');
  read.done();
  if (url !== undefined && !URL.canParse(url))
    throw new ConfigurationError('Configuration: AUTH_JWKS_URL is not a URL.');
  if (cursorSecret.length < CURSOR_SECRET_LENGTH_MIN) {
    throw new ConfigurationError(
      `Configuration: CURSOR_SECRET must have at least ${CURSOR_SECRET_LENGTH_MIN} characters.`,
    );
  }
  return config;
}

function parseKeySet(text: string): JSONWebKeySet {
  try {
    const set = JSON.parse(text) as JSONWebKeySet;
    if (Array.isArray(set.keys)) return set;
  } catch {
    // Reported below, together with a set of the wrong shape.
  }
  throw new ConfigurationError('Configuration: AUTH_JWKS is not a JSON key set.');
}
