// Goal: no amount changes on its way through a multiplication or the wire form.
import fc from 'fast-check';
import { CURRENCIES, equalMoney, isCurrency, money, moneyToJson, multiplyMoney } from './money';

const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });

it('multiplies exactly', () => {
  fc.assert(
    fc.property(amount, fc.integer({ min: 0, max: 1_000 }), (a, times) =>
      equalMoney(multiplyMoney(money(a, 'USD'), times), money(a * BigInt(times), 'USD')),
    ),
  );
  expect(() => multiplyMoney(money(1, 'CNY'), 0.5)).toThrow('safe integer');
});

it('survives the wire, and refuses what JSON numbers cannot hold', () => {
  fc.assert(
    fc.property(amount, fc.constantFrom(...CURRENCIES), (minor, currency) =>
      equalMoney(money(moneyToJson(money(minor, currency)).amount, currency), money(minor, currency)),
    ),
  );
  expect(() => moneyToJson(money(2n ** 53n, 'CNY'))).toThrow('wire');
  expect(() => money(0.1, 'CNY')).toThrow('safe integer');
});

it('is equal only in amount and currency, and keeps its currency', () => {
  expect(equalMoney(money(1, 'CNY'), money(1, 'USD'))).toBe(false);
  expect(equalMoney(money(1, 'CNY'), money(2, 'CNY'))).toBe(false);
  expect(multiplyMoney(money(3, 'SGD'), 2)).toEqual({ minor: 6n, currency: 'SGD' });
  expect(moneyToJson(money(2n ** 53n - 1n, 'CNY'))).toEqual({ amount: 2 ** 53 - 1, currency: 'CNY' });
});

it('knows the currencies that Gravity sells in', () => {
  expect(CURRENCIES.every(isCurrency)).toBe(true);
  expect(['toString', 'cny', 'XXX', ''].some(isCurrency)).toBe(false);
});
