// Access tokens: JWTs checked with jose against the issuer's key set, and remembered for as long as they are valid, so
// that the next request with the same token costs one look-up.
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors as joseErrors,
  type JSONWebKeySet,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { ProblemError } from '@gravity/contracts';
import { type Clock, systemClock } from '@gravity/kernel';
import { callerFromClaims, type CallerIdentity } from './caller';

/** Algorithms we accept; whatever the token's header says, nothing else is tried. */
const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'RS256'];
const CLOCK_TOLERANCE_SECONDS = 5;
const HEADER_LENGTH_MAX = 4_096;
// No control characters and no half of a surrogate pair: what follows stores subjects and writes them into JSON.
const SUBJECT = /^[\x20-\x7e\u00a0-\ud7ff\ue000-\u{10ffff}]{1,128}$/u;
/** Callers that are remembered at a time; each takes 0.6 kB. */
const CACHE_ENTRIES_MAX = 200_000;
const CACHE_TTL_MS = 5 * 60_000;
const VERIFICATIONS_IN_FLIGHT_MAX = 4_096;
const KEY_SET_TIMEOUT_MS = 3_000;
const KEY_SET_COOLDOWN_MS = 10_000;
const KEY_SET_MAX_AGE_MS = 10 * 60_000;

export interface TokenVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Address of the key set, or the key set itself. */
  readonly keys: { readonly url: string } | { readonly set: JSONWebKeySet };
  readonly clock?: Clock;
  /** Most tokens remembered at a time. */
  readonly cacheEntries?: number;
}

interface Entry {
  readonly caller: CallerIdentity;
  readonly validUntilMs: number;
}

/** Checks `Authorization` values. Only good tokens are remembered, each no longer than it is valid and than 5 minutes. */
export class TokenVerifier {
  private readonly clock: Clock;
  private readonly keys: JWTVerifyGetKey;
  private readonly checked: LRUCache<string, Entry>;
  private inFlight = 0;

  constructor(private readonly options: TokenVerifierOptions) {
    this.clock = options.clock ?? systemClock;
    this.checked = new LRUCache({ max: options.cacheEntries ?? CACHE_ENTRIES_MAX });
    this.keys =
      'url' in options.keys
        ? createRemoteJWKSet(new URL(options.keys.url), {
            timeoutDuration: KEY_SET_TIMEOUT_MS,
            cooldownDuration: KEY_SET_COOLDOWN_MS,
            cacheMaxAge: KEY_SET_MAX_AGE_MS,
          })
        : createLocalJWKSet(options.keys.set);
  }

  /** The caller behind a header checked earlier, or undefined. Keyed by the whole header, signature included. */
  cached(header: string): CallerIdentity | undefined {
    const entry = this.checked.get(header);
    if (entry === undefined) return undefined;
    // Tokens end by the wall clock, so the cache's own time to live, which is monotonic, does not fit.
    if (entry.validUntilMs > this.clock.nowMs()) return entry.caller;
    this.checked.delete(header);
    return undefined;
  }

  /**
   * Checks an `Authorization` header. Throws `unauthenticated` for a bad token, `unavailable` when the issuer's keys
   * cannot be had, `overloaded` when too many checks are running.
   */
  async verify(header: string): Promise<CallerIdentity> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header.length > HEADER_LENGTH_MAX ? '' : header)?.[1];
    if (token === undefined) throw unauthenticated('The Authorization header must be "Bearer <token>".');
    if (this.inFlight >= VERIFICATIONS_IN_FLIGHT_MAX) {
      throw new ProblemError({
        code: 'overloaded',
        detail: 'Too many tokens are being checked.',
        retryAfterSeconds: 1,
      });
    }
    this.inFlight += 1;
    try {
      return await this.check(header, token);
    } catch (error) {
      throw toProblem(error);
    } finally {
      this.inFlight -= 1;
    }
  }

  private async check(header: string, token: string): Promise<CallerIdentity> {
    const nowMs = this.clock.nowMs();
    const { payload } = await jwtVerify(token, this.keys, {
      algorithms: ALGORITHMS,
      issuer: this.options.issuer,
      audience: this.options.audience,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(nowMs),
    });
    const sub = payload.sub;
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw unauthenticated('The token names no usable subject.');
    const caller = callerFromClaims({ sub, roles: payload['roles'], merchantId: payload['merchantId'] });
    const expiresMs = (payload.exp! + CLOCK_TOLERANCE_SECONDS) * 1_000;
    this.checked.set(header, { caller, validUntilMs: Math.min(expiresMs, nowMs + CACHE_TTL_MS) });
    return caller;
  }
}

function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof joseErrors.JWTExpired) return unauthenticated('The token has expired.');
  if (error instanceof joseErrors.JWTClaimValidationFailed)
    return unauthenticated(`The token's claim "${error.claim}" is not acceptable.`);
  const keysMissing =
    error instanceof joseErrors.JWKSTimeout ||
    error instanceof joseErrors.JWKSInvalid ||
    !(error instanceof joseErrors.JOSEError) ||
    error.code === 'ERR_JOSE_GENERIC';
  if (keysMissing) {
    const detail = 'The keys of the token issuer cannot be fetched right now.';
    return new ProblemError({ code: 'unavailable', detail, retryAfterSeconds: 1 }, { cause: error });
  }
  return unauthenticated('The token is not valid.');
}

/** A 401 with the given detail. */
export function unauthenticated(detail: string): ProblemError {
  return new ProblemError({ code: 'unauthenticated', detail });
}
