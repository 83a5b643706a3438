import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsObject, IsOptional, IsString, Length, ValidateNested } from 'class-validator';
import { MoneyDto } from '../money.dto';

export class CreateRefundDto {
  @ApiProperty()
  @IsString()
  @Length(1, 64)
  intentId: string;

  @ApiPropertyOptional({ description: 'The charge that paid the intent.' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  chargeId?: string;

  @ApiProperty({ type: MoneyDto })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => MoneyDto)
  amount: MoneyDto;
}

export class RefundView {
  @ApiProperty()
  refundId: string;

  @ApiProperty()
  intentId: string;

  @ApiProperty({ type: MoneyDto })
  amount: MoneyDto;

  @ApiProperty({ enum: ['SUCCEEDED'] })
  status: 'SUCCEEDED';
}
