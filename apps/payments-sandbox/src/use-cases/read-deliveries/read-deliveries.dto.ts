import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Length, Matches } from 'class-validator';
import { STORABLE_TEXT } from '../money.dto';

/** Deliveries shown of one intent. */
export const MAX_LOG_ENTRIES = 100;

export class ReadDeliveriesDto {
  @ApiProperty()
  @IsString()
  @Length(1, 64)
  @Matches(STORABLE_TEXT)
  intentId: string;
}

export class DeliveryView {
  @ApiProperty()
  deliveryId: string;

  @ApiProperty({ description: 'The webhook-id: the same for every delivery of one event.' })
  eventId: string;

  @ApiProperty({ enum: ['payment.succeeded', 'payment.failed', 'refund.succeeded'] })
  type: string;

  @ApiProperty({ enum: ['PENDING', 'DELIVERED', 'ABANDONED'] })
  status: string;

  @ApiProperty({ type: 'integer' })
  attempts: number;

  @ApiPropertyOptional({ format: 'date-time', description: 'The next attempt, while PENDING.' })
  dueAt?: string;

  @ApiPropertyOptional({ type: 'integer' })
  lastHttpStatus?: number;

  @ApiPropertyOptional()
  lastError?: string;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;

  @ApiPropertyOptional({ format: 'date-time' })
  deliveredAt?: string;
}

export class DeliveryListView {
  @ApiProperty({ type: [DeliveryView] })
  items: DeliveryView[];

  @ApiProperty()
  hasMore: boolean;
}
