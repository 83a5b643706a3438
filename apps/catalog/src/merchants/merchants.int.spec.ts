import { newId } from '@gravity/kernel';
import { merchantView } from './merchants.dto';
import { Harness, callerWith, operator, refusal, uuid, value } from '../../test/harness';

describe('merchants', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('register-merchant')));
  afterAll(() => catalog.close());

  it('stores the merchant and its event together', async () => {
    const merchant = await catalog.merchant('苹果专营店');
    expect(await catalog.eventsOf(merchant.id)).toEqual([
      {
        type: 'catalog.merchant.registered.v1',
        key: merchant.id,
        payload: { sequence: 1, merchantId: merchant.id, name: '苹果专营店', occurredAt: merchant.createdAt },
      },
    ]);
    expect(merchantView(value(await catalog.merchants.get(operator, uuid(merchant.id))))).toEqual(merchant);
  });

  it('shows a merchant to itself only', async () => {
    const [own, other] = [await catalog.merchant(), await catalog.merchant()];
    const caller = callerWith('merchant', own.id);
    expect(value(await catalog.merchants.get(caller, uuid(own.id))).id).toBe(uuid(own.id));
    expect(refusal(await catalog.merchants.get(caller, uuid(other.id)))).toBe('not-found');
    expect(refusal(await catalog.merchants.get(operator, uuid(newId('merchant'))))).toBe('not-found');
  });
});
