// The body of a claim, declared twice: as a DTO for the API document, as a compiled schema for the hot path. A spec
// throws the same bodies at both.
import { ApiProperty } from '@nestjs/swagger';
import { compileBody } from '@gravity/http';
import { CURRENCIES, type Currency } from '@gravity/kernel';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsString, Matches, Max, Min, ValidateIf, ValidateNested } from 'class-validator';

const ITEM_ID = '^itm_[0-7][0-9a-hjkmnp-tv-z]{25}$';
const REGION = '^[A-Z]{2}(-[A-Z0-9]{1,3})?$';
const MOST_PER_CLAIM = 1_000;
const SAFE = Number.MAX_SAFE_INTEGER;

export class ExpectedTotalDto {
  @ApiProperty({ description: 'Minor units', minimum: 0, maximum: SAFE, type: 'integer' })
  @IsInt()
  @Min(0)
  @Max(SAFE)
  amount: number;

  @ApiProperty({ enum: CURRENCIES })
  @IsIn(CURRENCIES)
  currency: Currency;
}

export class PlaceClaimDto {
  @ApiProperty({ pattern: ITEM_ID, example: 'itm_01h2xcejqtf2nbrexx3vqjhp41' })
  @IsString()
  @Matches(new RegExp(ITEM_ID))
  itemId: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: MOST_PER_CLAIM })
  @IsInt()
  @Min(1)
  @Max(MOST_PER_CLAIM)
  quantity: number;

  @ApiProperty({ pattern: REGION, example: 'CN-11', description: 'Where the goods go (ISO 3166)' })
  @IsString()
  @Matches(new RegExp(REGION))
  regionCode: string;

  @ApiProperty({
    required: false,
    description: 'The total the buyer saw; the claim is refused when it is no longer the price',
  })
  @ValidateIf((claim: PlaceClaimDto) => claim.expectedTotal !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ExpectedTotalDto)
  expectedTotal?: ExpectedTotalDto;
}

/** The same contract, compiled. */
export const placeClaimBody = compileBody<PlaceClaimDto>({
  type: 'object',
  additionalProperties: false,
  required: ['itemId', 'quantity', 'regionCode'],
  properties: {
    itemId: { type: 'string', pattern: ITEM_ID },
    quantity: { type: 'integer', minimum: 1, maximum: MOST_PER_CLAIM },
    regionCode: { type: 'string', pattern: REGION },
    expectedTotal: {
      type: 'object',
      additionalProperties: false,
      required: ['amount', 'currency'],
      properties: {
        amount: { type: 'integer', minimum: 0, maximum: SAFE },
        currency: { enum: CURRENCIES },
      },
    },
  },
});
