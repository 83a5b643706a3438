// Shops on the wire.
import { ListQuery } from '@gravity/http';
import { idFromUuid, toRfc3339 } from '@gravity/kernel';
import { IdField, PageOf, TextField, TimeField } from '@gravity/service';
import { ApiProperty } from '@nestjs/swagger';
import type { Shop } from './shop';

export class OpenShopBody {
  @IdField('merchant')
  merchantId: string;

  @TextField({ max: 200, example: '赤水酒业' })
  name: string;
}

export class FindShopsQuery extends ListQuery {
  @IdField('merchant', { optional: true, query: true, description: 'Only shops of this merchant' })
  merchantId?: string;
}

export class ShopView {
  @IdField('shop') id: string;
  @IdField('merchant') merchantId: string;
  @ApiProperty() name: string;
  @ApiProperty({ type: 'integer' }) version: number;
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
