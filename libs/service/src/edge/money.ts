// Money on the wire: whole minor units with their currency. One shape in, one shape out.
import { CURRENCIES, type Currency, minorUnitsOf, type Money, money } from '@gravity/kernel';
import { EnumField, type FieldOptions, IntegerField, ObjectField } from './fields';

/** The largest amount of a request, in minor units: ten billion yuan. */
export const AMOUNT_MAX = 1_000_000_000_000;

const WITHOUT_MINOR_UNITS = CURRENCIES.filter((currency) => minorUnitsOf(currency) === 0);
const MINOR_UNITS = `Minor units: fen, cents; whole units for ${WITHOUT_MINOR_UNITS.join(', ')}`;
const amount = { max: AMOUNT_MAX, description: MINOR_UNITS, example: 149_900 };

/** An amount in a request; may be zero. */
export class MoneyBody {
  @IntegerField({ min: 0, ...amount })
  amount: number;

  @EnumField(CURRENCIES, { example: 'CNY' })
  currency: Currency;
}

/** An amount in a request; more than nothing. */
export class PositiveMoneyBody extends MoneyBody {
  @IntegerField({ min: 1, ...amount })
  declare amount: number;
}

/** A sum of amounts in a request, such as the total of an order; may be zero. */
export class TotalBody extends MoneyBody {
  @IntegerField({ min: 0, ...amount, max: Number.MAX_SAFE_INTEGER })
  declare amount: number;
}

/** A sum of amounts in a request; more than nothing. */
export class PositiveTotalBody extends MoneyBody {
  @IntegerField({ min: 1, ...amount, max: Number.MAX_SAFE_INTEGER })
  declare amount: number;
}

/** An amount in an answer. */
export class MoneyView {
  @IntegerField({
    min: -Number.MAX_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
    description: MINOR_UNITS,
    example: 149_900,
  })
  amount: number;

  @EnumField(CURRENCIES, { example: 'CNY' })
  currency: Currency;
}

/** A member with an amount: positive unless `zero` is allowed. */
export const MoneyField = (options: FieldOptions & { readonly zero?: boolean } = {}): PropertyDecorator =>
  ObjectField(options.zero ? MoneyBody : PositiveMoneyBody, options);

/** A member with a sum of amounts: positive unless `zero` is allowed. */
export const TotalField = (options: FieldOptions & { readonly zero?: boolean } = {}): PropertyDecorator =>
  ObjectField(options.zero ? TotalBody : PositiveTotalBody, options);

/** A member of an answer with an amount. */
export const MoneyViewField = (options?: FieldOptions): PropertyDecorator => ObjectField(MoneyView, options);

/** The amount of a checked request. */
export function moneyOf(body: MoneyBody): Money {
  return money(body.amount, body.currency);
}
