// Access tokens: JWTs, checked with jose against the issuer's key set and cached while they are valid, so that the next
// request with the same token costs one look-up.
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

/** The accepted algorithms. A token whose header names another one is refused. */
const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'RS256'];
const CLOCK_TOLERANCE_SECONDS = 5;
const HEADER_LENGTH_MAX = 4_096;
// No control characters and no lone surrogates, because subjects are stored and written as JSON.
const SUBJECT = /^[\x20-\x7e\u00a0-\ud7ff\ue000-\u{10ffff}]{1,128}$/u;
/** Cached callers; each takes 0.6 kB. */
const CACHE_ENTRIES_MAX = 200_000;
const CACHE_TTL_MS = 5 * 60_000;
const VERIFICATIONS_IN_FLIGHT_MAX = 4_096;
const KEY_SET_TIMEOUT_MS = 3_000;
const KEY_SET_COOLDOWN_MS = 10_000;
const KEY_SET_AGE_MAX_MS = 10 * 60_000;

export interface TokenVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  /** URL of the key set, or the key set itself. */
  readonly keys: { readonly url: string } | { readonly set: JSONWebKeySet };
  readonly clock?: Clock;
  /** Largest number of cached tokens. */
  readonly cacheEntries?: number;
}

interface Entry {
  readonly caller: CallerIdentity;
  readonly validUntilMs: number;
}

/** Checks `Authorization` values. Valid tokens alone are cached, until they expire and for at most 5 minutes. */
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
            cacheMaxAge: KEY_SET_AGE_MAX_MS,
          })
        : createLocalJWKSet(options.keys.set);
  }

  /** The caller of a cached header, or undefined. The key is the whole header, with the signature. */
  cached(header: string): CallerIdentity | undefined {
    // Without an update of the order of use, which costs 3 % of a refused claim: the first token to expire goes first.
    const entry = this.checked.peek(header);
    if (entry === undefined) return undefined;
    // Tokens expire by the wall clock; the cache's own time to live is monotonic.
    if (entry.validUntilMs > this.clock.nowMs()) return entry.caller;
    this.checked.delete(header);
    return undefined;
  }

  /**
   * Checks an `Authorization` header. Throws `unauthenticated` for a bad token, `unavailable` when the issuer's keys
   * cannot be fetched, `overloaded` when too many checks run.
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
    if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw unauthenticated('The token has no usable subject.');
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
    const detail = 'The keys of the token issuer cannot be fetched.';
    return new ProblemError({ code: 'unavailable', detail, retryAfterSeconds: 1 }, { cause: error });
  }
  return unauthenticated('The token is not valid.');
}

/** A 401 with the given detail. */
export function unauthenticated(detail: string): ProblemError {
  return new ProblemError({ code: 'unauthenticated', detail });
}
