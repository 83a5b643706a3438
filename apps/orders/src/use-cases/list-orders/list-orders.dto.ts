import { ListQuery } from '@gravity/http';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { ORDER_STATUSES, type OrderStatus } from '../../domain/order';
import { OrderViewDto } from '../../order-view.dto';
import { STORABLE_TEXT } from '../create-series/create-series.dto';

const id = (prefix: string): RegExp => new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`);

export class ListOrdersDto extends ListQuery {
  @ApiPropertyOptional({ description: 'Only orders of this buyer; a buyer sees no others' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  @Matches(STORABLE_TEXT)
  buyerId?: string;

  @ApiPropertyOptional({ description: 'Only orders of this merchant; a merchant sees no others' })
  @IsOptional()
  @Matches(id('mer'))
  merchantId?: string;

  @ApiPropertyOptional({ description: 'Only orders of this round' })
  @IsOptional()
  @Matches(id('rnd'))
  roundId?: string;

  @ApiPropertyOptional({ enum: ORDER_STATUSES })
  @IsOptional()
  @IsIn(ORDER_STATUSES)
  status?: OrderStatus;
}

export class OrderPageDto {
  @ApiProperty({ type: [OrderViewDto] })
  readonly items: OrderViewDto[];

  @ApiProperty()
  readonly hasMore: boolean;

  @ApiProperty({ required: false })
  readonly nextCursor?: string;
}
