// The request that creates a series. Members that may be left out have the defaults shown in the API document.
import {
  EnumField,
  Field,
  FlagField,
  IdField,
  IntegerField,
  ListField,
  MoneyBody,
  MoneyField,
  ObjectField,
  TextField,
  TimeField,
  values,
} from '@gravity/service';
import { EVERY_SECONDS_MAX, EVERY_SECONDS_MIN } from '../../domain/recurrence';
import { ADMISSION_ORDERS, type AdmissionOrderName } from '../../domain/round';
import { ITEMS_MAX, LIMIT_MAX, QUOTA_MAX, REGIONS_MAX, TITLE_MAX } from '../../limits';
import { END_OF_WINDOW, TIME_OF_DAY, WEEKDAY } from '../../recurrence-json';

export class SaleItemBody {
  @IdField('sku')
  skuId: string;

  @IntegerField({ min: 1, max: QUOTA_MAX, description: 'Units on sale in each round', example: 100 })
  quota: number;

  @MoneyField({ zero: true })
  price: MoneyBody;

  @IntegerField({ min: 1, max: LIMIT_MAX, default: 1, description: 'Most units of one order', optional: true })
  perOrderLimit?: number;

  @IntegerField({
    min: 1,
    max: LIMIT_MAX,
    description: 'Most units of one buyer in a round; default: perOrderLimit',
    optional: true,
  })
  perBuyerLimit?: number;

  @ListField(values.region(), {
    min: 1,
    max: REGIONS_MAX,
    unique: true,
    optional: true,
    description: 'ISO 3166-2; absent: everywhere',
    example: ['CN-11'],
  })
  regions?: string[];
}

export class RecurrenceBody {
  @TimeField({ optional: true, description: 'No round opens before' })
  startsAt?: string;

  @TimeField({ optional: true, description: 'No round opens at or after' })
  endsAt?: string;

  @IntegerField({ min: EVERY_SECONDS_MIN, max: EVERY_SECONDS_MAX, example: 600 })
  everySeconds: number;

  @IntegerField({ min: 1, max: EVERY_SECONDS_MAX, description: 'At most everySeconds', example: 300 })
  openForSeconds: number;

  @Field(TIME_OF_DAY, {
    optional: true,
    description: 'Start of the daily window, local time; default 00:00',
    example: '09:00',
  })
  dailyFrom?: string;

  @Field(END_OF_WINDOW, {
    optional: true,
    description: 'End of the daily window, local time; not later than dailyFrom: on the day after',
    example: '22:00',
  })
  dailyUntil?: string;

  @ListField(WEEKDAY, {
    min: 1,
    max: 7,
    unique: true,
    optional: true,
    description: '1 is Monday, 7 is Sunday; absent: every day',
  })
  weekdays?: number[];
}

export class CreateSeriesBody {
  @TextField({ max: TITLE_MAX, example: 'Ten-minute sale' })
  title: string;

  @Field(values.timeZone(), {
    description: 'IANA time zone in which the daily window is meant',
    example: 'Asia/Shanghai',
  })
  timeZone: string;

  @ObjectField(RecurrenceBody)
  recurrence: RecurrenceBody;

  @ListField(SaleItemBody, { min: 1, max: ITEMS_MAX })
  items: SaleItemBody[];

  @IntegerField({
    min: 1,
    max: LIMIT_MAX,
    optional: true,
    description: 'How often a buyer may win in the whole series; absent: no limit',
  })
  winLimit?: number;

  @IntegerField({ min: 1, max: 86_400, default: 300, optional: true })
  paymentWindowSeconds?: number;

  @EnumField(['END', 'CARRY'], { default: 'END', optional: true, description: 'What happens to units left over' })
  leftover?: 'END' | 'CARRY';

  @EnumField(ADMISSION_ORDERS, {
    default: 'FIRST_COME',
    optional: true,
    description:
      'In which order the claims of an opening come to the gate. FIRST_COME: as they arrive. DRAW: in the first moments ' +
      'the order is drawn by buyer, so that a hundred requests have the odds of one; then as they arrive',
  })
  admissionOrder?: AdmissionOrderName;

  @FlagField({ default: false, optional: true, description: 'Whether rounds are approved when they are generated' })
  autoApprove?: boolean;

  @IntegerField({
    min: 1,
    max: 3_600,
    default: 10,
    optional: true,
    description: 'How long before its opening a round is loaded into the gate',
  })
  warmAheadSeconds?: number;

  @IntegerField({
    min: 1,
    max: 300,
    default: 6,
    optional: true,
    description: 'How many future rounds are kept generated',
  })
  roundsAhead?: number;
}
