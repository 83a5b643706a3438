import { Controller, Get, Param } from '@nestjs/common';
import { Operation, valueOrThrow } from '@gravity/http';
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
  async handle(@Param('roundId') roundId: string): Promise<ConservationView> {
    return valueOrThrow(await this.useCase.execute(roundId));
  }
}
