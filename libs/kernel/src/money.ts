// Money is an integer count of minor units (fen, cents) with its currency. Amounts never pass through floating point.
import { assert } from './assert';

/** ISO 4217 codes Gravity sells in, with the number of decimals of their major unit. */
const CURRENCY_EXPONENTS = { CNY: 2, USD: 2, EUR: 2, HKD: 2, SGD: 2, JPY: 0 } as const;

export type Currency = keyof typeof CURRENCY_EXPONENTS;
export const CURRENCIES = Object.keys(CURRENCY_EXPONENTS) as Currency[];

/** An amount in minor units. Negative amounts exist (refunds, reversals); prices are never negative. */
export interface Money {
  readonly minor: bigint;
  readonly currency: Currency;
}

/** The wire form: `{ "amount": 149900, "currency": "CNY" }`, amount in minor units and at most 2^53−1. */
export interface MoneyJson {
  readonly amount: number;
  readonly currency: Currency;
}

/** The largest amount on the wire, in minor units: JSON numbers are exact up to here. */
export const MONEY_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** Decimals of a currency's major unit: 2 for CNY, 0 for JPY. */
export function minorUnitsOf(currency: Currency): number {
  return CURRENCY_EXPONENTS[currency];
}

/** Builds a Money from minor units. A `number` must be a safe integer. */
export function money(minor: bigint | number, currency: Currency): Money {
  assert(typeof minor === 'bigint' || Number.isSafeInteger(minor), `amount ${minor} is not a safe integer`);
  return { minor: BigInt(minor), currency };
}

/** True when the text names a currency Gravity sells in. */
export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(CURRENCY_EXPONENTS, text);
}

/** The amount times a whole number, for instance a unit price times a quantity. */
export function multiplyMoney(a: Money, times: number): Money {
  assert(Number.isSafeInteger(times), `multiplier ${times} is not a safe integer`);
  return { minor: a.minor * BigInt(times), currency: a.currency };
}

/** Same amount and same currency. */
export function equalMoney(a: Money, b: Money): boolean {
  return a.minor === b.minor && a.currency === b.currency;
}

/** The wire form of an amount; throws past 2^53−1, where JSON numbers stop being exact. */
export function moneyToJson(a: Money): MoneyJson {
  const amount = Number(a.minor);
  assert(Number.isSafeInteger(amount), `amount ${a.minor} does not fit the wire format`);
  return { amount, currency: a.currency };
}
