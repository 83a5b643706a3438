// Goal: the class of a claim's body and the check compiled from its decorators judge every body alike. Method: good bodies with up to two faults put into them.
import fc from 'fast-check';
import { validateDto } from '@gravity/http';
import { PlaceClaimBody, placeClaimBody } from '../src/use-cases/place-claim/place-claim.dto';

it('is judged by the class and by the compiled schema alike', () => {
  const anything = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      '',
      0,
      -1,
      1.5,
      2 ** 53,
      1e308,
      true,
      [],
      {},
      '1',
      'itm_01h2xcejqtf2nbrexx3vqjhp41\n',
    ),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const total = fc.record({ amount: fc.maxSafeNat(), currency: fc.constantFrom('CNY', 'USD') });
  const good = fc.record(
    {
      itemId: fc.constant('itm_01h2xcejqtf2nbrexx3vqjhp41'),
      quantity: fc.integer({ min: 1, max: 1_000 }),
      regionCode: fc.constantFrom('CN-11', 'US'),
      expectedTotal: total,
    },
    { requiredKeys: ['itemId', 'quantity', 'regionCode'] },
  );
  const inTotal = fc
    .tuple(total, fc.constantFrom('amount', 'currency', 'surplus'), anything)
    .map(([fine, name, value]) => ({ ...fine, [name]: value }));
  const names = fc.constantFrom('itemId', 'quantity', 'regionCode', 'expectedTotal', 'surplus', 'toString');
  const faults = fc.oneof(
    fc.dictionary(names, anything, { maxKeys: 2 }),
    fc.record({ expectedTotal: inTotal }),
    fc.record({ quantity: fc.integer({ min: -2, max: 1_002 }) }),
    fc.record({ regionCode: fc.constantFrom('cn-11', 'CN-', 'CN-1111', 'CN-11\n', ' US') }),
  );
  const body = fc.tuple(good, faults).map(([fine, fault]): unknown => ({ ...fine, ...fault }));
  const samples = fc.sample(fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: anything }), 3_000);
  // As JSON brings them: no undefined, no NaN.
  const judged = samples
    .filter((sample) => sample !== undefined)
    .map((sample) => JSON.parse(JSON.stringify(sample)) as unknown);
  const byClass = (sample: unknown): boolean => validateDto(PlaceClaimBody, sample).ok;
  expect(judged.filter((sample) => byClass(sample) !== placeClaimBody(sample).ok)).toEqual([]);
  expect(judged.filter((sample) => placeClaimBody(sample).ok).length).toBeGreaterThan(200);
});
