// Requests and answers of shops.
import { ListQuery } from '@gravity/http';
import { idFromUuid, toRfc3339 } from '@gravity/kernel';
import { CountField, IdField, PageOf, TextField, TextViewField, TimeField } from '@gravity/service';
import { NAME_MAX } from '../limits';
import type { Shop } from './shop';

export class OpenShopBody {
  @IdField('merchant')
  merchantId: string;

  @TextField({ max: NAME_MAX, example: '赤水酒业' })
  name: string;
}

export class FindShopsQuery extends ListQuery {
  @IdField('merchant', { optional: true, query: true, description: 'Only shops of this merchant' })
  merchantId?: string;
}

export class ShopView {
  @IdField('shop') id: string;
  @IdField('merchant') merchantId: string;
  @TextViewField({ max: NAME_MAX }) name: string;
  @CountField() version: number;
  @TimeField() createdAt: string;
}

export function shopView({ id, merchantId, name, version, createdAtMs }: Shop): ShopView {
  return {
    id: idFromUuid('shop', id),
    merchantId: idFromUuid('merchant', merchantId),
    name,
    version,
    createdAt: toRfc3339(createdAtMs),
  };
}

export class ShopListView extends PageOf(ShopView) {}
