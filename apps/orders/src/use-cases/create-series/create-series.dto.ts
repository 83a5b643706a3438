// What an operator sends to create a series. Members that may be left out have the defaults shown in the API document.
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { CURRENCIES, type Currency } from '@gravity/kernel';
import { EVERY_SECONDS_MAX, EVERY_SECONDS_MIN } from '../../domain/recurrence';
import { ADMISSION_ORDERS, type AdmissionOrderName } from '../../domain/round';

const ITEMS_MAX = 50;
const REGIONS_MAX = 400;
const QUOTA_MAX = 10_000_000;
const LIMIT_MAX = 100_000;
const PRICE_MAX = 1_000_000_000_000;
/** RFC 3339 with a time zone; a date that does not exist is refused by the use case. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;
const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d$/;
const TIME_OF_DAY_END = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const REGION = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/;
/** Something besides white space, and nothing that Postgres cannot store. */
export const STORABLE_TEXT = /^(?=[\s\S]*\S)[^\0\p{Surrogate}]*$/u;

export class SalePriceBody {
  @ApiProperty({ type: 'integer', minimum: 0, maximum: PRICE_MAX, description: 'Minor units', example: 149900 })
  @IsInt()
  @Min(0)
  @Max(PRICE_MAX)
  amount: number;

  @ApiProperty({ enum: CURRENCIES, example: 'CNY' })
  @IsIn(CURRENCIES)
  currency: Currency;
}

export class SaleItemBody {
  @ApiProperty({ example: 'sku_01jcw8k3zqe6vrh5t2m9xa0001' })
  @IsString()
  @MaxLength(64)
  skuId: string;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: QUOTA_MAX,
    description: 'Units on sale in each round',
    example: 100,
  })
  @IsInt()
  @Min(1)
  @Max(QUOTA_MAX)
  quota: number;

  @ApiProperty({ type: SalePriceBody })
  @IsObject()
  @ValidateNested()
  @Type(() => SalePriceBody)
  price: SalePriceBody;

  @ApiProperty({ type: 'integer', minimum: 1, default: 1, description: 'Most units of one order', required: false })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LIMIT_MAX)
  perOrderLimit?: number;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    description: 'Most units of one buyer in a round; default: perOrderLimit',
    required: false,
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LIMIT_MAX)
  perBuyerLimit?: number;

  @ApiProperty({ type: [String], required: false, description: 'ISO 3166-2; absent: everywhere', example: ['CN-11'] })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(REGIONS_MAX)
  @ArrayUnique()
  @Matches(REGION, { each: true, message: 'each region must be an ISO 3166 code such as CN or CN-11' })
  regions?: string[];
}

export class RecurrenceBody {
  @ApiProperty({ type: 'string', format: 'date-time', required: false, description: 'No round opens before' })
  @IsOptional()
  @Matches(TIME, { message: 'startsAt must be a time such as 2026-11-20T12:00:00Z' })
  startsAt?: string;

  @ApiProperty({ type: 'string', format: 'date-time', required: false, description: 'No round opens at or after' })
  @IsOptional()
  @Matches(TIME, { message: 'endsAt must be a time such as 2026-11-20T12:00:00Z' })
  endsAt?: string;

  @ApiProperty({ type: 'integer', minimum: EVERY_SECONDS_MIN, maximum: EVERY_SECONDS_MAX, example: 600 })
  @IsInt()
  @Min(EVERY_SECONDS_MIN)
  @Max(EVERY_SECONDS_MAX)
  everySeconds: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'At most everySeconds', example: 300 })
  @IsInt()
  @Min(1)
  @Max(EVERY_SECONDS_MAX)
  openForSeconds: number;

  @ApiProperty({
    required: false,
    description: 'Start of the daily window, local time; default 00:00',
    example: '09:00',
  })
  @IsOptional()
  @Matches(TIME_OF_DAY, { message: 'dailyFrom must be HH:mm' })
  dailyFrom?: string;

  @ApiProperty({
    required: false,
    description: 'End of the daily window, local time; not later than dailyFrom: on the day after',
    example: '22:00',
  })
  @IsOptional()
  @Matches(TIME_OF_DAY_END, { message: 'dailyUntil must be HH:mm or 24:00' })
  dailyUntil?: string;

  @ApiProperty({ type: [Number], required: false, description: '1 is Monday, 7 is Sunday; absent: every day' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(7)
  @ArrayUnique()
  @IsInt({ each: true })
  @Min(1, { each: true })
  @Max(7, { each: true })
  weekdays?: number[];
}

export class CreateSeriesBody {
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'Ten-minute sale' })
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  @Matches(STORABLE_TEXT, { message: 'title must be a text' })
  title: string;

  @ApiProperty({ description: 'IANA time zone in which the daily window is meant', example: 'Asia/Shanghai' })
  @IsString()
  @MaxLength(64)
  timeZone: string;

  @ApiProperty({ type: RecurrenceBody })
  @IsObject()
  @ValidateNested()
  @Type(() => RecurrenceBody)
  recurrence: RecurrenceBody;

  @ApiProperty({ type: [SaleItemBody], minItems: 1, maxItems: ITEMS_MAX })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ITEMS_MAX)
  @ValidateNested({ each: true })
  @Type(() => SaleItemBody)
  items: SaleItemBody[];

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    required: false,
    description: 'How often a buyer may win in the whole series; absent: no limit',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(LIMIT_MAX)
  winLimit?: number;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 86_400, default: 300, required: false })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(86_400)
  paymentWindowSeconds?: number;

  @ApiProperty({
    enum: ['END', 'CARRY'],
    default: 'END',
    required: false,
    description: 'What happens to units left over',
  })
  @IsOptional()
  @IsIn(['END', 'CARRY'])
  leftover?: 'END' | 'CARRY';

  @ApiProperty({
    enum: ADMISSION_ORDERS,
    default: 'FIRST_COME',
    required: false,
    description:
      'In which order the claims of an opening come to the gate. FIRST_COME: as they arrive. DRAW: in the first moments ' +
      'the order is drawn by buyer, so that a hundred requests have the odds of one; then as they arrive',
  })
  @IsOptional()
  @IsIn(ADMISSION_ORDERS)
  admissionOrder?: AdmissionOrderName;

  @ApiProperty({ default: false, required: false, description: 'Whether rounds are approved when they are generated' })
  @IsOptional()
  @IsBoolean()
  autoApprove?: boolean;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 3_600,
    default: 10,
    required: false,
    description: 'How long before its opening a round is loaded into the gate',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(3_600)
  warmAheadSeconds?: number;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 300,
    default: 6,
    required: false,
    description: 'How many future rounds are kept generated',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(300)
  roundsAhead?: number;
}
