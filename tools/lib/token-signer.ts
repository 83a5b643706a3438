// Signs many tokens quickly, with one synchronous Ed25519 signature each. The issuer of the test library awaits several times
// per token.
import { createPrivateKey, type JsonWebKey, sign } from 'node:crypto';

/** The key and claims of the local issuer. */
export interface SigningKey {
  readonly issuer: string;
  readonly audience: string;
  readonly kid: string;
  readonly privateJwk: JsonWebKey;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Returns a function that signs tokens, valid for `lifeSeconds` from now. */
export function tokenSigner(key: SigningKey, lifeSeconds: number): (sub: string, roles: readonly string[]) => string {
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' });
  const header = encode({ alg: 'EdDSA', kid: key.kid, typ: 'JWT' });
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: key.issuer, aud: key.audience, iat, exp: iat + lifeSeconds };
  return (sub, roles) => {
    const signed = `${header}.${encode({ ...claims, sub, roles })}`;
    return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
  };
}
