import { Harness, callerWith, operator, refusal, value } from '../../../test/harness';

describe('registerMerchant', () => {
  let catalog: Harness;
  beforeAll(async () => (catalog = await Harness.start('register-merchant')));
  afterAll(() => catalog.close());

  const register = (key: string, name: string) =>
    catalog.commands.run(
      { caller: operator, operation: 'registerMerchant', key, request: { name }, status: 201 },
      (tx) => catalog.registerMerchant.execute(tx, { name }),
    );

  it('stores the merchant and its event together', async () => {
    const merchant = await catalog.merchant('苹果专营店');
    expect(await catalog.eventsOf(merchant.id)).toEqual([
      {
        type: 'catalog.merchant.registered.v1',
        key: merchant.id,
        payload: { sequence: 1, merchantId: merchant.id, name: '苹果专营店', occurredAt: merchant.createdAt },
      },
    ]);
    expect(value(await catalog.getMerchant.execute(operator, merchant.id))).toEqual(merchant);
  });

  it('is done once per key, also when both requests come at the same time', async () => {
    const before = await catalog.eventCount();
    const [first, second] = await Promise.all([register('k1', 'A'), register('k1', 'A')]);
    const third = await register('k1', 'A');
    expect(new Set([first, second, third].map((answer) => value(answer).body.id)).size).toBe(1);
    expect([first, second, third].filter((answer) => value(answer).replayed)).toHaveLength(2);
    expect(await catalog.eventCount()).toBe(before + 1);
    expect(refusal(await register('k1', 'B'))).toBe('idempotency-key-reused');
  });

  it('shows a merchant to itself only', async () => {
    const [own, other] = [await catalog.merchant(), await catalog.merchant()];
    const caller = callerWith('merchant', own.id);
    expect(value(await catalog.getMerchant.execute(caller, own.id)).id).toBe(own.id);
    expect(refusal(await catalog.getMerchant.execute(caller, other.id))).toBe('not-found');
    expect(refusal(await catalog.getMerchant.execute(operator, 'mer_nonsense'))).toBe('not-found');
  });
});
