import { Controller, Get } from '@nestjs/common';
import { valueOrThrow } from '@gravity/http';
import { IdParam, Operation } from '@gravity/service';
import { ConservationView } from './conservation-view';
import { GetConservation } from './get-conservation.use-case';

@Controller('orders/v1/rounds/:roundId/conservation')
export class GetConservationHttp {
  constructor(private readonly useCase: GetConservation) {}

  @Get()
  @Operation({
    id: 'getConservation',
    callers: ['operator'],
    summary: 'Where every unit of a round is, according to Postgres and to the gate',
    description:
      'quota = available + held + sold + writtenOff. The gate may offer what is available, less what is in flight.',
    tags: ['rounds'],
    problems: ['not-found'],
    response: ConservationView,
  })
  async handle(@IdParam('round') roundId: string): Promise<ConservationView> {
    return valueOrThrow(await this.useCase.execute(roundId));
  }
}
