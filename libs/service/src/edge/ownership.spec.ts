// Goal: a foreign object cannot be told from one that does not exist, and a person cannot agree with itself.
import type { CallerIdentity, Role } from '@gravity/http';
import { idFromUuid, newUuid } from '@gravity/kernel';
import { secondPerson } from '../write';
import { found, mayChange, maySee, ownMerchant, ownObjects, seesAllOf, uuidOf, visibilityOf } from '.';

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

  it.each<[Role, string | undefined, boolean, object | undefined]>([
    ['operator', undefined, true, {}],
    ['service', undefined, true, {}],
    ['merchant', mine, true, { merchantId: mine }],
    ['merchant', other, false, { merchantId: other }],
    ['merchant', undefined, false, undefined],
    ['buyer', undefined, true, { buyerId: 'someone' }],
    ['anchor', undefined, false, undefined],
  ])('%s of %s and what its lists are narrowed to', (role, merchantId, sees, own) => {
    const identity = caller(role, merchantId);
    expect(maySee(identity, { buyerId: 'someone', merchantId: mine })).toBe(sees);
    expect(maySee(identity, { buyerId: 'another', merchantId: newUuid() })).toBe(
      ['operator', 'service'].includes(role),
    );
    expect(ownObjects(identity)).toEqual(own);
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
