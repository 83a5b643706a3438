import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { ListFilterQuery } from '../../lists';
import { IsText } from '../../validation';

export class FindSkusQuery extends ListFilterQuery {
  @ApiProperty({ required: false, description: 'Only of this product' })
  @IsOptional()
  @IsText({ max: 64 })
  productId?: string;
}
