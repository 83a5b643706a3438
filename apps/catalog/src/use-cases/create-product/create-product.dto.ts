import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsDefined, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { MAX_SKUS_PER_PRODUCT } from '../../domain/product';
import { IsAttributes, IsText, PriceBody } from '../../validation';

const attributes = (example: Record<string, string>): ApiPropertyOptions => ({
  type: 'object',
  additionalProperties: { type: 'string' },
  selfRequired: false,
  example,
});

export class SkuBody {
  @ApiProperty({ maxLength: 64, example: 'MT-53-500', description: 'Unique within the merchant' })
  @IsText({ max: 64 })
  code: string;

  @ApiProperty({ maxLength: 200, example: '飞天茅台酒 53度 500ml' })
  @IsText({ max: 200 })
  title: string;

  @ApiProperty(attributes({ volume: '500ml' }))
  @IsOptional()
  @IsAttributes()
  attributes?: Record<string, string>;

  @ApiProperty({ type: PriceBody })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => PriceBody)
  price: PriceBody;
}

export class CreateProductBody {
  @ApiProperty({ example: 'shp_01jcw8k3zqe6vrh5t2m9xa0001' })
  @IsText({ max: 64 })
  shopId: string;

  @ApiProperty({ maxLength: 200, example: '飞天茅台酒' })
  @IsText({ max: 200 })
  title: string;

  @ApiProperty({ maxLength: 5000, required: false })
  @IsOptional()
  @IsText({ min: 0, max: 5000 })
  description?: string;

  @ApiProperty(attributes({ brand: '茅台' }))
  @IsOptional()
  @IsAttributes()
  attributes?: Record<string, string>;

  @ApiProperty({ type: [SkuBody], required: false, maxItems: MAX_SKUS_PER_PRODUCT })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_SKUS_PER_PRODUCT)
  @ValidateNested({ each: true })
  @Type(() => SkuBody)
  skus?: SkuBody[];
}
