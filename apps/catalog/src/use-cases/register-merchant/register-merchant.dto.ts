import { ApiProperty } from '@nestjs/swagger';
import { IsText } from '../../validation';

export class RegisterMerchantBody {
  @ApiProperty({ minLength: 1, maxLength: 200, example: '赤水酒业旗舰店' })
  @IsText({ max: 200 })
  name: string;
}
