// Requests and answers of merchants.
import { idFromUuid, toRfc3339 } from '@gravity/kernel';
import { CountField, IdField, TextField, TextViewField, TimeField } from '@gravity/service';
import { NAME_MAX } from '../limits';
import type { Merchant } from './merchant';

export class RegisterMerchantBody {
  @TextField({ max: NAME_MAX, example: '赤水酒业旗舰店' })
  name: string;
}

export class MerchantView {
  @IdField('merchant') id: string;
  @TextViewField({ max: NAME_MAX }) name: string;
  @CountField() version: number;
  @TimeField() createdAt: string;
}

export function merchantView({ id, name, version, createdAtMs }: Merchant): MerchantView {
  return { id: idFromUuid('merchant', id), name, version, createdAt: toRfc3339(createdAtMs) };
}
