import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsISO8601, IsObject, IsString, Length, Matches, ValidateNested } from 'class-validator';
import { MoneyDto, STORABLE_TEXT } from '../money.dto';

export class CreateIntentDto {
  @ApiProperty({ description: 'The merchant’s own reference, repeated in callbacks.' })
  @IsString()
  @Length(1, 64)
  @Matches(STORABLE_TEXT)
  orderId: string;

  @ApiProperty({ type: MoneyDto })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => MoneyDto)
  amount: MoneyDto;

  @ApiProperty({ format: 'date-time', description: 'Confirmations are refused from then on.' })
  @IsISO8601({ strict: true, strictSeparator: true })
  expiresAt: string;

  @ApiProperty({ example: 'Order of 1 item' })
  @IsString()
  @Length(0, 256)
  @Matches(STORABLE_TEXT)
  description: string;
}
