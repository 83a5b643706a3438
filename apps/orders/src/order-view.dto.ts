// The order on the wire, as the API document shows it. Its shape is OrderView.
import { ApiProperty } from '@nestjs/swagger';
import { CURRENCIES, type Currency } from '@gravity/kernel';
import { type CloseReason, ORDER_STATUSES, type OrderStatus } from './domain/order';
import type { OrderLineView, OrderView } from './order-view';

const id = (prefix: string): { pattern: string; example: string } => ({
  pattern: `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`,
  example: `${prefix}_01h2xcejqtf2nbrexx3vqjhp41`,
});
const time = { format: 'date-time', example: '2026-03-01T10:00:00.000Z' } as const;

export class AmountDto {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Minor units (fen, cents)' })
  readonly amount: number;

  @ApiProperty({ enum: CURRENCIES })
  readonly currency: Currency;
}

export class OrderLineDto implements OrderLineView {
  @ApiProperty(id('sku'))
  readonly skuId: string;

  @ApiProperty({ description: 'The title when the order was placed' })
  readonly title: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  readonly quantity: number;

  @ApiProperty({ type: AmountDto })
  readonly unitPrice: AmountDto;
}

export class OrderViewDto implements OrderView {
  @ApiProperty(id('ord'))
  readonly orderId: string;

  @ApiProperty({ enum: ORDER_STATUSES })
  readonly status: OrderStatus;

  @ApiProperty(id('rnd'))
  readonly roundId: string;

  @ApiProperty(id('itm'))
  readonly itemId: string;

  @ApiProperty(id('ser'))
  readonly seriesId: string;

  @ApiProperty()
  readonly buyerId: string;

  @ApiProperty(id('mer'))
  readonly merchantId: string;

  @ApiProperty(id('shp'))
  readonly shopId: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  readonly quantity: number;

  @ApiProperty({ type: [OrderLineDto] })
  readonly lines: OrderLineDto[];

  @ApiProperty({ type: AmountDto })
  readonly total: AmountDto;

  @ApiProperty(time)
  readonly placedAt: string;

  @ApiProperty({ ...time, description: 'Not paid by then, the order closes' })
  readonly expiresAt: string;

  @ApiProperty({ ...time, required: false })
  readonly paidAt?: string;

  @ApiProperty({ ...time, required: false })
  readonly closedAt?: string;

  @ApiProperty({ enum: ['EXPIRED', 'CANCELLED_BY_BUYER', 'DISCREPANCY'], required: false })
  readonly closeReason?: CloseReason;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Grows with every change' })
  readonly version: number;
}
