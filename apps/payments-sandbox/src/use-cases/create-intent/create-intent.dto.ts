import { PositiveTotalBody, TextField, TimeField, TotalField } from '@gravity/service';
import { REFERENCE_MAX } from '../../sandbox-values';

export class CreateIntentBody {
  @TextField({ max: REFERENCE_MAX, description: 'The merchant’s own reference, repeated in callbacks.' })
  orderId: string;

  @TotalField()
  amount: PositiveTotalBody;

  @TimeField({ description: 'Confirmations are refused from then on.' })
  expiresAt: string;

  @TextField({ min: 0, max: 256, multiline: true, example: 'Order of 1 item' })
  description: string;
}
