// Checks of request members that class-validator does not bring.
import { CURRENCIES, type Currency } from '@gravity/kernel';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, Max, Min, ValidateBy, type ValidationOptions } from 'class-validator';

export const MAX_ATTRIBUTES = 32;
const MAX_ATTRIBUTE_NAME = 50;
const MAX_ATTRIBUTE_VALUE = 200;
const NOT_STORABLE = /[\0\p{Surrogate}]/u;

/** True for text that Postgres stores unchanged: no NUL, no half of a surrogate pair. */
function isStorable(text: string): boolean {
  return !NOT_STORABLE.test(text);
}

/** A text of `min` to `max` characters with something besides white space in it, unless `min` is 0. */
export function IsText(bounds: { min?: number; max: number }, options?: ValidationOptions): PropertyDecorator {
  const min = bounds.min ?? 1;
  return ValidateBy(
    {
      name: 'isText',
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' &&
          value.length <= bounds.max &&
          (min === 0 || value.trim().length >= min) &&
          isStorable(value),
        defaultMessage: () => `$property must be a text of ${min} to ${bounds.max} characters`,
      },
    },
    options,
  );
}

/** A flat object of short texts, at most {@link MAX_ATTRIBUTES} of them. */
export function IsAttributes(): PropertyDecorator {
  return ValidateBy({
    name: 'isAttributes',
    validator: {
      validate: (value: unknown) => isAttributes(value),
      defaultMessage: () =>
        `$property must hold at most ${MAX_ATTRIBUTES} texts of up to ${MAX_ATTRIBUTE_VALUE} characters under names of up to ${MAX_ATTRIBUTE_NAME}`,
    },
  });
}

function isAttributes(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= MAX_ATTRIBUTES && entries.every(([name, text]) => isAttribute(name, text));
}

function isAttribute(name: string, value: unknown): boolean {
  const nameFits = name !== '' && name.length <= MAX_ATTRIBUTE_NAME && isStorable(name) && !name.includes(':');
  return (
    nameFits && typeof value === 'string' && value !== '' && value.length <= MAX_ATTRIBUTE_VALUE && isStorable(value)
  );
}

/** The `attribute=name:value` parameters of a list as one object; undefined when one is malformed. */
export function parseAttributeFilter(pairs: readonly string[]): Record<string, string> | undefined {
  const entries = pairs.map((pair) => {
    const colon = pair.indexOf(':');
    return [pair.slice(0, Math.max(colon, 0)), pair.slice(colon + 1)] as const;
  });
  const filter = Object.fromEntries(entries);
  return isAttributes(filter) ? filter : undefined;
}

/** Query parameters are texts: `true` and `false` become booleans, anything else stays and fails its check. */
export const BooleanParameter = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value));

/** A query parameter that may be given once or several times. */
export const ListParameter = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => (value === undefined || Array.isArray(value) ? value : [value]));

/** A price in a request: `{ "amount": 149900, "currency": "CNY" }`, minor units, more than nothing. */
export class PriceBody {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 1_000_000_000_000, description: 'Minor units', example: 149900 })
  @IsInt()
  @Min(1)
  @Max(1_000_000_000_000)
  amount: number;

  @ApiProperty({ enum: CURRENCIES, example: 'CNY' })
  @IsIn(CURRENCIES)
  currency: Currency;
}
