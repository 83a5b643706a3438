// An issuer of tokens for tests and for the local stack: an Ed25519 key, its public key set, and valid and invalid
// tokens.
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type JSONWebKeySet,
  type JWK,
} from 'jose';

export const LOCAL_ISSUER = 'https://issuer.gravity.local';
export const DEFAULT_AUDIENCE = 'gravity';
const ALGORITHM = 'EdDSA';
const DEFAULT_LIFE = '1h';

/** The contents of a token. */
export interface TokenRequest {
  /** The caller: `b_…` for buyers, the merchant's id for merchants, any name for operators. */
  readonly sub: string;
  readonly roles: readonly string[];
  readonly merchantId?: string;
  readonly audience?: string;
  /** As jose reads it (`5m`, `1h`, `-10s`); one hour unless given. */
  readonly expiresIn?: string;
  readonly issuer?: string;
  /** Further claims. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Tokens that every service refuses. */
export interface BadTokens {
  /** Expired; otherwise valid. */
  expired(request: TokenRequest): Promise<string>;
  /** Issued for another audience. */
  wrongAudience(request: TokenRequest): Promise<string>;
  /** Signed with the right key, with another issuer. */
  wrongIssuer(request: TokenRequest): Promise<string>;
  /** `alg: none`, no signature. */
  unsigned(request: TokenRequest): string;
  /** Signed by another key, with the id of the right key. */
  wronglySigned(request: TokenRequest): Promise<string>;
  /** A valid token with claims changed after signing. */
  tampered(request: TokenRequest): Promise<string>;
  /** HMAC with the public key as the secret. A verifier that trusts the header's `alg` accepts it. */
  keyConfusion(request: TokenRequest): Promise<string>;
  /** Signed by a key that is not in the key set. */
  unknownKey(request: TokenRequest): Promise<string>;
}

export interface LocalIssuer {
  readonly issuer: string;
  /** The id of the key; it depends on the key alone. */
  readonly kid: string;
  readonly jwks: JSONWebKeySet;
  /** The private key, for an issuer with the same key in another process. */
  readonly privateJwk: JWK;
  /** AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS for a service that trusts this issuer. */
  readonly env: Readonly<Record<string, string>>;
  /** A signed token that services with {@link env} accept. */
  mint(request: TokenRequest): Promise<string>;
  readonly bad: BadTokens;
}

/** Makes an issuer, with a new key unless one is given. */
export async function localIssuer(options: { issuer?: string; privateJwk?: JWK } = {}): Promise<LocalIssuer> {
  const issuer = options.issuer ?? LOCAL_ISSUER;
  const privateJwk = options.privateJwk ?? (await newPrivateJwk());
  const { d: _secret, ...publicPart } = privateJwk;
  const kid = await calculateJwkThumbprint(publicPart);
  const jwks: JSONWebKeySet = { keys: [{ ...publicPart, kid, alg: ALGORITHM, use: 'sig' }] };
  const mint = (request: TokenRequest): Promise<string> => sign(request, issuer, privateJwk, kid);
  const env = { AUTH_ISSUER: issuer, AUTH_AUDIENCE: DEFAULT_AUDIENCE, AUTH_JWKS: JSON.stringify(jwks) };
  return { issuer, kid, jwks, privateJwk, env, mint, bad: badTokens(issuer, kid, publicPart, mint) };
}

async function newPrivateJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  return exportJWK(privateKey);
}

async function sign(request: TokenRequest, issuer: string, key: JWK, kid: string): Promise<string> {
  return unsignedToken(request, issuer)
    .setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' })
    .sign(await importJWK(key, ALGORITHM));
}

function unsignedToken(request: TokenRequest, issuer: string): SignJWT {
  return new SignJWT(claimsOf(request))
    .setSubject(request.sub)
    .setIssuer(request.issuer ?? issuer)
    .setAudience(request.audience ?? DEFAULT_AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(request.expiresIn ?? DEFAULT_LIFE);
}

function claimsOf(request: TokenRequest): Record<string, unknown> {
  return {
    roles: request.roles,
    ...(request.merchantId === undefined ? {} : { merchantId: request.merchantId }),
    ...request.claims,
  };
}

function badTokens(issuer: string, kid: string, publicJwk: JWK, mint: LocalIssuer['mint']): BadTokens {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    expired: (request) => mint({ ...request, expiresIn: '-10m' }),
    wrongAudience: (request) => mint({ ...request, audience: 'another-service' }),
    wrongIssuer: (request) => mint({ ...request, issuer: 'https://issuer.example.com' }),
    unsigned: (request) => {
      const claims = { ...claimsOf(request), sub: request.sub, iss: issuer, aud: DEFAULT_AUDIENCE, exp: 4_102_444_800 };
      return `${encode({ alg: 'none', kid, typ: 'JWT' })}.${encode(claims)}.`;
    },
    wronglySigned: async (request) => sign(request, issuer, await newPrivateJwk(), kid),
    tampered: async (request) => {
      const [header = '', payload = '', signature = ''] = (await mint(request)).split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      return `${header}.${encode({ ...claims, roles: ['operator'], sub: 'operator' })}.${signature}`;
    },
    keyConfusion: (request) =>
      unsignedToken(request, issuer)
        .setProtectedHeader({ alg: 'HS256', kid, typ: 'JWT' })
        .sign(Buffer.from(publicJwk.x ?? '', 'base64url')),
    unknownKey: async (request) => sign(request, issuer, await newPrivateJwk(), 'an-unknown-key'),
  };
}
