import { TextField } from '@gravity/service';
import { REASON_MAX } from '../../limits';

export class ReasonBody {
  @TextField({ max: REASON_MAX, multiline: true, description: 'Why, in words for people', example: 'wrong price' })
  reason: string;
}
