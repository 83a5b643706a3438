import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { ListQuery } from '@gravity/http';
import type { SeriesStatus } from '../../storage/series.repository';

export class ListSeriesQuery extends ListQuery {
  @ApiProperty({ enum: ['ACTIVE', 'PAUSED', 'ENDED'], required: false })
  @IsOptional()
  @IsIn(['ACTIVE', 'PAUSED', 'ENDED'])
  status?: SeriesStatus;
}
