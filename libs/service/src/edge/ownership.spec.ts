// Goal: a foreign object cannot be told from one that does not exist, and a person cannot agree with itself.
import type { CallerIdentity, Role } from '@gravity/http';
import { idFromUuid, newUuid } from '@gravity/kernel';
import { secondPerson } from '../write';
import { found, mayChange, ownMerchant, seesAllOf, uuidOf, visibilityOf } from '.';

const mine = newUuid();
const other = newUuid();

function caller(role: Role, merchantId?: string): CallerIdentity {
  const merchant = merchantId === undefined ? {} : { merchantId: idFromUuid('merchant', merchantId) };
  return { sub: 'someone', roles: new Set([role]), roleMask: 0, ...merchant };
}

describe('ownership', () => {
  it.each<[Role, string | undefined, { everything: boolean; merchantId?: string }, boolean, boolean]>([
    ['operator', undefined, { everything: true }, true, true],
    ['service', undefined, { everything: true }, false, true],
    ['merchant', mine, { everything: false, merchantId: mine }, true, true],
    ['merchant', other, { everything: false, merchantId: other }, false, false],
    ['merchant', undefined, { everything: false }, false, false],
    ['buyer', mine, { everything: false }, false, false],
    ['anchor', undefined, { everything: false }, false, false],
  ])('%s of %s', (role, merchantId, visibility, changes, seesAll) => {
    const identity = caller(role, merchantId);
    expect(visibilityOf(identity)).toEqual(visibility);
    expect([mayChange(identity, mine), seesAllOf(identity, mine)]).toEqual([changes, seesAll]);
  });

  it('a token that names no merchant owns nothing', () => {
    expect(ownMerchant({ ...caller('merchant'), merchantId: 'mer_nonsense' })).toBeUndefined();
  });

  it('a foreign object is answered like one that does not exist', () => {
    const missing = found('shop', mine, undefined);
    expect(found('shop', mine, { owner: other }, ({ owner }) => owner === mine)).toEqual(missing);
    expect(missing).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(found('shop', mine, { owner: mine }, ({ owner }) => owner === mine)).toMatchObject({ ok: true });
  });

  it('an id of a checked request is turned into its uuid; any other text is a bug', () => {
    expect(uuidOf('shop', idFromUuid('shop', mine))).toBe(mine);
    expect(() => uuidOf('shop', idFromUuid('sku', mine))).toThrow('not the id of a shop');
  });
});

describe('a second person', () => {
  it('is another one than the first', () => {
    expect(secondPerson(caller('operator'), 'another')).toEqual({ ok: true, value: undefined });
    expect(secondPerson(caller('operator'), 'someone')).toMatchObject({ ok: false, error: { code: 'forbidden' } });
  });
});
