// Goal: no operation on amounts loses or creates a fen.
import fc from 'fast-check';
import { allocate } from './allocation';
import {
  addMoney,
  CURRENCIES,
  equalMoney,
  formatMoney,
  isCurrency,
  money,
  moneyFromJson,
  moneyToJson,
  multiplyMoney,
  subtractMoney,
} from './money';

const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
const weights = fc
  .array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { minLength: 1, maxLength: 40 })
  .filter((parts) => parts.some((part) => part > 0n));

it('splits an amount into parts that add up to it, each within one unit of its share', () => {
  fc.assert(
    fc.property(amount, weights, (minor, parts) => {
      const total = parts.reduce((sum, part) => sum + part, 0n);
      const shares = allocate(money(minor, 'CNY'), parts);
      expect(shares.reduce((sum, share) => sum + share.minor, 0n)).toBe(minor);
      shares.forEach((share, index) => {
        const off = share.minor * total - minor * parts[index]!;
        expect(off < total && off > -total).toBe(true);
      });
    }),
  );
});

it('gives nothing to a weight of zero', () => {
  expect(allocate(money(100, 'CNY'), [0n, 1n, 0n, 2n]).map((share) => share.minor)).toEqual([0n, 33n, 0n, 67n]);
});

it('splits ten yuan over three lines without losing a fen', () => {
  expect(allocate(money(1_000, 'CNY'), [1n, 1n, 1n]).map((share) => share.minor)).toEqual([334n, 333n, 333n]);
});

it('splits a debt like the same credit, ties to the earlier part', () => {
  const parts = (minor: number, weights: bigint[]): bigint[] =>
    allocate(money(minor, 'EUR'), weights).map((share) => share.minor);
  expect(parts(-1_000, [1n, 1n, 1n])).toEqual([-334n, -333n, -333n]);
  expect(parts(2, [1n, 1n, 1n])).toEqual([1n, 1n, 0n]);
  expect(parts(10, [1n, 5n, 1n])).toEqual([2n, 7n, 1n]);
  expect(parts(0, [3n, 4n])).toEqual([0n, 0n]);
  expect(allocate(money(5, 'EUR'), [1n])[0]!.currency).toBe('EUR');
});

it('refuses weights that cannot be shared by', () => {
  expect(() => allocate(money(1, 'CNY'), [])).toThrow('weights');
  expect(() => allocate(money(1, 'CNY'), [0n])).toThrow('weights');
  expect(() => allocate(money(1, 'CNY'), [2n, -1n])).toThrow('weights');
});

it('adds, subtracts and multiplies exactly, in one currency', () => {
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 0, max: 1_000 }), (a, b, times) => {
      const sum = addMoney(money(a, 'USD'), money(b, 'USD'));
      expect(equalMoney(subtractMoney(sum, money(b, 'USD')), money(a, 'USD'))).toBe(true);
      expect(multiplyMoney(money(a, 'USD'), times).minor).toBe(a * BigInt(times));
    }),
  );
  expect(() => addMoney(money(1, 'CNY'), money(1, 'USD'))).toThrow('CNY');
  expect(() => multiplyMoney(money(1, 'CNY'), 0.5)).toThrow('safe integer');
});

it('survives the wire, and refuses what JSON numbers cannot hold', () => {
  fc.assert(
    fc.property(amount, fc.constantFrom(...CURRENCIES), (minor, currency) =>
      equalMoney(moneyFromJson(moneyToJson(money(minor, currency))), money(minor, currency)),
    ),
  );
  expect(() => moneyToJson(money(2n ** 53n, 'CNY'))).toThrow('wire');
  expect(() => money(0.1, 'CNY')).toThrow('safe integer');
});

it('is equal only in amount and currency, and keeps its currency', () => {
  expect(equalMoney(money(1, 'CNY'), money(1, 'USD'))).toBe(false);
  expect(equalMoney(money(1, 'CNY'), money(2, 'CNY'))).toBe(false);
  expect([addMoney, subtractMoney].map((of) => of(money(1, 'JPY'), money(1, 'JPY')).currency)).toEqual(['JPY', 'JPY']);
  expect(multiplyMoney(money(3, 'SGD'), 2)).toEqual({ minor: 6n, currency: 'SGD' });
  expect(moneyToJson(money(2n ** 53n - 1n, 'CNY'))).toEqual({ amount: 2 ** 53 - 1, currency: 'CNY' });
});

it('formats for people', () => {
  expect(formatMoney(money(149_900, 'CNY'))).toBe('1499.00 CNY');
  expect(formatMoney(money(-5, 'USD'))).toBe('-0.05 USD');
  expect(formatMoney(money(0, 'EUR'))).toBe('0.00 EUR');
  expect(formatMoney(money(0, 'JPY'))).toBe('0 JPY');
  expect(formatMoney(money(-149_900, 'HKD'))).toBe('-1499.00 HKD');
  expect(formatMoney(money(120, 'JPY'))).toBe('120 JPY');
  expect(isCurrency('CNY') && !isCurrency('toString')).toBe(true);
});
