import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsOptional, Matches, ValidateNested } from 'class-validator';
import { SaleItemBody } from '../create-series/create-series.dto';

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;
const ITEMS_MAX = 50;

export class CreateRoundBody {
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-20T12:00:00Z' })
  @Matches(TIME, { message: 'opensAt must be a time such as 2026-11-20T12:00:00Z' })
  opensAt: string;

  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-20T12:05:00Z' })
  @Matches(TIME, { message: 'closesAt must be a time such as 2026-11-20T12:05:00Z' })
  closesAt: string;

  @ApiProperty({ type: [SaleItemBody], required: false, description: 'Default: the items of the series' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ITEMS_MAX)
  @ValidateNested({ each: true })
  @Type(() => SaleItemBody)
  items?: SaleItemBody[];

  @ApiProperty({ required: false, description: 'Default: as the series says' })
  @IsOptional()
  @IsBoolean()
  approve?: boolean;
}
