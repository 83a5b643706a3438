import { createLocalJWKSet, jwtVerify } from 'jose';
import { localIssuer, type LocalIssuer, type TokenRequest } from './tokens';

const request: TokenRequest = { sub: 'mer_1', roles: ['merchant'], merchantId: 'mer_1' };

async function verify(issuer: LocalIssuer, token: string): Promise<Record<string, unknown>> {
  const keys = createLocalJWKSet(issuer.jwks);
  return (await jwtVerify(token, keys, { issuer: issuer.issuer, audience: 'gravity', algorithms: ['EdDSA'] })).payload;
}

describe('localIssuer', () => {
  it('mints tokens that its key set verifies', async () => {
    const issuer = await localIssuer();
    const payload = await verify(issuer, await issuer.mint({ ...request, claims: { shop: 'a' } }));
    expect(payload).toMatchObject({
      sub: 'mer_1',
      roles: ['merchant'],
      merchantId: 'mer_1',
      shop: 'a',
      aud: 'gravity',
    });
    expect(Number(payload['exp']) - Number(payload['iat'])).toBe(3_600);
  });

  it('publishes no secret', async () => {
    const issuer = await localIssuer();
    expect(issuer.jwks.keys[0]).not.toHaveProperty('d');
    expect(issuer.env['AUTH_JWKS']).not.toContain(issuer.privateJwk.d);
  });

  it('is the same issuer in another process that has the key', async () => {
    const first = await localIssuer();
    const second = await localIssuer({ privateJwk: first.privateJwk });
    expect(second.kid).toBe(first.kid);
    expect(await verify(first, await second.mint(request))).toMatchObject({ sub: 'mer_1' });
  });

  it.each([
    'expired',
    'wrongAudience',
    'wrongIssuer',
    'unsigned',
    'wronglySigned',
    'tampered',
    'keyConfusion',
    'unknownKey',
  ] as const)('mints a bad token: %s', async (kind) => {
    const issuer = await localIssuer();
    await expect(verify(issuer, await issuer.bad[kind](request))).rejects.toThrow();
  });
});
