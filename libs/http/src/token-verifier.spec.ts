// Goal: the verifier caches valid tokens within its bounds of number and time. Method: signed tokens, a clock by
// hand.
import { ManualClock } from '@gravity/kernel';
import { DEFAULT_AUDIENCE, type LocalIssuer, localIssuer } from '@gravity/testing';
import { TokenVerifier } from './token-verifier';

const FIVE_MINUTES_MS = 300_000;

let issuer: LocalIssuer;
let clock: ManualClock;
let verifier: TokenVerifier;

beforeAll(async () => {
  issuer = await localIssuer();
});

beforeEach(() => {
  clock = new ManualClock(Date.now());
  verifier = new TokenVerifier({
    issuer: issuer.issuer,
    audience: DEFAULT_AUDIENCE,
    keys: { set: issuer.jwks },
    clock,
    cacheEntries: 2,
  });
});

async function checked(sub: string): Promise<string> {
  const header = `Bearer ${await issuer.mint({ sub, roles: ['buyer'], expiresIn: '1h' })}`;
  expect(await verifier.verify(header)).toMatchObject({ sub });
  return header;
}

it('drops the token that was checked first', async () => {
  const [first, second] = [await checked('b_1'), await checked('b_2')];
  expect(verifier.cached(first)).toMatchObject({ sub: 'b_1' });
  const third = await checked('b_3');
  expect([first, second, third].map((header) => verifier.cached(header)?.sub)).toEqual([undefined, 'b_2', 'b_3']);
});

it('checks a token again after five minutes, and after it expires', async () => {
  const header = await checked('b_1');
  clock.advance(FIVE_MINUTES_MS - 1);
  expect(verifier.cached(header)).toMatchObject({ sub: 'b_1' });
  clock.advance(1);
  expect(verifier.cached(header)).toBeUndefined();
  expect(await verifier.verify(header)).toMatchObject({ sub: 'b_1' });
  clock.advance(3_600_000);
  expect(verifier.cached(header)).toBeUndefined();
  await expect(verifier.verify(header)).rejects.toMatchObject({ problem: { code: 'unauthenticated' } });
});
