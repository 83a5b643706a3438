import { Controller, Delete } from '@nestjs/common';
import { Caller, type CallerIdentity } from '@gravity/http';
import { IdParam, Operation, type Write } from '@gravity/service';
import { RoundView } from '../../round-view';
import { ResumeSale } from './resume-sale.use-case';

@Controller('orders/v1/rounds/:roundId/stop-sale')
export class ResumeSaleHttp {
  constructor(private readonly useCase: ResumeSale) {}

  @Delete()
  @Operation({
    id: 'resumeSale',
    callers: ['operator'],
    summary: 'Let a stopped sale go on',
    tags: ['rounds'],
    problems: ['not-found', 'invalid-transition'],
    audit: true,
    status: 200,
    response: RoundView,
  })
  handle(@Caller() caller: CallerIdentity, @IdParam('round') roundId: string): Write<RoundView> {
    return this.useCase.execute(caller, roundId);
  }
}
