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
    summary: 'The units of a round, in Postgres and in the gate',
    description:
      'quota = available + held + sold + writtenOff. The gate may offer the available units, less those in flight.',
    tags: ['rounds'],
    problems: ['not-found'],
    response: ConservationView,
  })
  async handle(@IdParam('round') roundId: string): Promise<ConservationView> {
    return valueOrThrow(await this.useCase.execute(roundId));
  }
}
