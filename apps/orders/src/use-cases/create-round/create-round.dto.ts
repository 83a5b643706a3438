import { FlagField, ListField, TimeField } from '@gravity/service';
import { ITEMS_MAX } from '../../limits';
import { SaleItemBody } from '../create-series/create-series.dto';

export class CreateRoundBody {
  @TimeField()
  opensAt: string;

  @TimeField({ example: '2026-11-20T12:05:00.000Z' })
  closesAt: string;

  @ListField(SaleItemBody, { min: 1, max: ITEMS_MAX, optional: true, description: 'Default: the items of the series' })
  items?: SaleItemBody[];

  @FlagField({ optional: true, description: 'Default: as the series says' })
  approve?: boolean;
}
