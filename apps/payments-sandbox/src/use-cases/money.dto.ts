import { CURRENCIES, type Currency } from '@gravity/kernel';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, Max, Min } from 'class-validator';

/** Text that Postgres stores unchanged: no NUL, no half of a surrogate pair. */
export const STORABLE_TEXT = /^[^\0\p{Surrogate}]*$/u;

/** A positive amount in minor units. */
export class MoneyDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 149_900 })
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  amount: number;

  @ApiProperty({ enum: CURRENCIES, example: 'CNY' })
  @IsIn(CURRENCIES)
  currency: Currency;
}
