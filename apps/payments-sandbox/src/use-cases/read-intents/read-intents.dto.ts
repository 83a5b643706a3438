import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsString, Length } from 'class-validator';
import { IntentView } from '../intent.view';

/** Most intents one query takes. */
export const MAX_QUERY_INTENTS = 200;

export class QueryIntentsDto {
  @ApiProperty({ type: [String], minItems: 1, maxItems: MAX_QUERY_INTENTS })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_QUERY_INTENTS)
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  intentIds: string[];
}

/** The intents that exist; an id without an item is not one of ours. */
export class IntentListView {
  @ApiProperty({ type: [IntentView] })
  items: IntentView[];

  @ApiProperty()
  hasMore: boolean;
}
