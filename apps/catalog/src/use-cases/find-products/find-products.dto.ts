import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ListFilterQuery } from '../../lists';
import { IsText } from '../../validation';
import { MAX_QUERY_LENGTH } from './find-products.use-case';

export class FindProductsQuery extends ListFilterQuery {
  @ApiProperty({
    required: false,
    maxLength: MAX_QUERY_LENGTH,
    example: '茅台 500ml',
    description:
      'Text in Chinese or English: one character is enough, words match from their beginning. Best match first.',
  })
  @IsOptional()
  @IsText({ min: 0, max: MAX_QUERY_LENGTH })
  q?: string;
}
