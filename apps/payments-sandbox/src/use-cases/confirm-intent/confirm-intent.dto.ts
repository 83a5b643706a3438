import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length } from 'class-validator';
import { INTENT_MACHINE, type IntentStatus } from '../../domain/intent';

export class ConfirmIntentDto {
  @ApiProperty({ example: 'tok_approve', description: 'Chooses what happens; the README lists the tokens.' })
  @IsString()
  @Length(1, 64)
  token: string;
}

export class ConfirmedIntentView {
  @ApiProperty()
  intentId: string;

  @ApiProperty({ enum: INTENT_MACHINE.states })
  status: IntentStatus;
}
