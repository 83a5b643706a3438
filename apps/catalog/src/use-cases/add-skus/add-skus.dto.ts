import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, ValidateNested } from 'class-validator';
import { MAX_SKUS_PER_PRODUCT } from '../../domain/product';
import { SkuBody } from '../create-product/create-product.dto';

export class AddSkusBody {
  @ApiProperty({ type: [SkuBody], minItems: 1, maxItems: MAX_SKUS_PER_PRODUCT })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_SKUS_PER_PRODUCT)
  @ValidateNested({ each: true })
  @Type(() => SkuBody)
  skus: SkuBody[];
}
