import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { ListQuery } from '@gravity/http';
import { roundMachine, type RoundStatus } from '../../domain/round';

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;

export class ListRoundsQuery extends ListQuery {
  @ApiProperty({ enum: roundMachine.states, isArray: true, required: false, description: 'May be given several times' })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === undefined || Array.isArray(value) ? value : [value]))
  @IsArray()
  @IsIn(roundMachine.states, { each: true })
  status?: RoundStatus[];

  @ApiProperty({ required: false })
  @IsOptional()
  @IsString()
  @MaxLength(64)
  seriesId?: string;

  @ApiProperty({ type: 'string', format: 'date-time', required: false, description: 'Opens at this time or later' })
  @IsOptional()
  @Matches(TIME, { message: 'from must be a time such as 2026-11-20T12:00:00Z' })
  from?: string;

  @ApiProperty({ type: 'string', format: 'date-time', required: false, description: 'Opens before this time' })
  @IsOptional()
  @Matches(TIME, { message: 'until must be a time such as 2026-11-20T12:00:00Z' })
  until?: string;
}
