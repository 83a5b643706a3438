import { ListQuery } from '@gravity/http';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsText } from '../../validation';

export class FindShopsQuery extends ListQuery {
  @ApiProperty({ required: false, description: 'Only shops of this merchant' })
  @IsOptional()
  @IsText({ max: 64 })
  merchantId?: string;
}
