import { ApiProperty } from '@nestjs/swagger';
import { IsText } from '../../validation';

export class OpenShopBody {
  @ApiProperty({ example: 'mer_01jcw8k3zqe6vrh5t2m9xa0001' })
  @IsText({ max: 64 })
  merchantId: string;

  @ApiProperty({ minLength: 1, maxLength: 200, example: '赤水酒业' })
  @IsText({ max: 200 })
  name: string;
}
