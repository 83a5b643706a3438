// Merchants on the wire.
import { idFromUuid, toRfc3339 } from '@gravity/kernel';
import { IdField, TextField, TimeField } from '@gravity/service';
import { ApiProperty } from '@nestjs/swagger';
import type { Merchant } from './merchant';

export class RegisterMerchantBody {
  @TextField({ max: 200, example: '赤水酒业旗舰店' })
  name: string;
}

export class MerchantView {
  @IdField('merchant') id: string;
  @ApiProperty() name: string;
  @ApiProperty({ type: 'integer' }) version: number;
  @TimeField() createdAt: string;
}

export function merchantView({ id, name, version, createdAtMs }: Merchant): MerchantView {
  return { id: idFromUuid('merchant', id), name, version, createdAt: toRfc3339(createdAtMs) };
}
