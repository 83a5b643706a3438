import { ApiProperty } from '@nestjs/swagger';
import { IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { STORABLE_TEXT } from '../create-series/create-series.dto';

export class ReasonBody {
  @ApiProperty({ minLength: 1, maxLength: 500, description: 'Why, in words for people', example: 'wrong price' })
  @IsString()
  @MinLength(1)
  @MaxLength(500)
  @Matches(STORABLE_TEXT, { message: 'reason must be a text' })
  reason: string;
}
