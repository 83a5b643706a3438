import { CURRENCIES, type Currency } from '@gravity/kernel';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, Max, Min } from 'class-validator';

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
