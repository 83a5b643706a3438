import { ApiProperty } from '@nestjs/swagger';
import { AmountDto } from '../../order-view.dto';

/** Where and how the buyer pays an order. */
export class PaymentIntentDto {
  @ApiProperty({ description: "The payment, as it is named in the order's events" })
  readonly paymentId: string;

  @ApiProperty()
  readonly orderId: string;

  @ApiProperty({ example: 'sandbox' })
  readonly provider: string;

  @ApiProperty({ description: "The provider's id of the intent" })
  readonly intentId: string;

  @ApiProperty({ description: 'Where the app pays' })
  readonly payUrl: string;

  @ApiProperty({ required: false, description: 'Lets the app pay this intent and nothing else' })
  readonly clientSecret?: string;

  @ApiProperty({ type: AmountDto })
  readonly amount: AmountDto;

  @ApiProperty({ format: 'date-time', description: 'The provider takes no payment after that' })
  readonly expiresAt: string;
}
