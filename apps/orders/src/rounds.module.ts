// Series, rounds, and the loops that generate, move and watch them.
import { coreOf } from '@gravity/service';
import { Module } from '@nestjs/common';
import { GateModule } from './gate.module';
import { SERVICE } from './orders-config';
import { RoundCommand } from './round-command';
import { AdvanceRound } from './use-cases/advance-round/advance-round.use-case';
import { ApproveRoundHttp } from './use-cases/approve-round/approve-round.http';
import { ApproveRound } from './use-cases/approve-round/approve-round.use-case';
import { CancelRoundHttp } from './use-cases/cancel-round/cancel-round.http';
import { CancelRound } from './use-cases/cancel-round/cancel-round.use-case';
import { CreateRoundHttp } from './use-cases/create-round/create-round.http';
import { CreateRound } from './use-cases/create-round/create-round.use-case';
import { CreateSeriesHttp } from './use-cases/create-series/create-series.http';
import { CreateSeries } from './use-cases/create-series/create-series.use-case';
import { ConservationCheck } from './use-cases/get-conservation/conservation-check';
import { GetConservationHttp } from './use-cases/get-conservation/get-conservation.http';
import { GetConservation } from './use-cases/get-conservation/get-conservation.use-case';
import { GetRoundHttp } from './use-cases/get-round/get-round.http';
import { GetRound } from './use-cases/get-round/get-round.use-case';
import { GetSeriesHttp } from './use-cases/get-series/get-series.http';
import { GetSeries } from './use-cases/get-series/get-series.use-case';
import { ListRoundsHttp } from './use-cases/list-rounds/list-rounds.http';
import { ListRounds } from './use-cases/list-rounds/list-rounds.use-case';
import { ListSeriesHttp } from './use-cases/list-series/list-series.http';
import { ListSeries } from './use-cases/list-series/list-series.use-case';
import { PauseSeriesHttp } from './use-cases/pause-series/pause-series.http';
import { PauseSeries } from './use-cases/pause-series/pause-series.use-case';
import { Reconcile } from './use-cases/reconcile/reconcile.use-case';
import { ResumeSaleHttp } from './use-cases/resume-sale/resume-sale.http';
import { ResumeSale } from './use-cases/resume-sale/resume-sale.use-case';
import { StopSaleHttp } from './use-cases/stop-sale/stop-sale.http';
import { StopSale } from './use-cases/stop-sale/stop-sale.use-case';
import { ConservationWatch } from './workers/conservation-watch';
import { RoundGenerator } from './workers/round-generator';
import { RoundLifecycle } from './workers/round-lifecycle';

@Module({
  imports: [coreOf(SERVICE), GateModule],
  controllers: [
    CreateSeriesHttp,
    ListSeriesHttp,
    GetSeriesHttp,
    PauseSeriesHttp,
    CreateRoundHttp,
    ListRoundsHttp,
    GetRoundHttp,
    ApproveRoundHttp,
    CancelRoundHttp,
    StopSaleHttp,
    ResumeSaleHttp,
    GetConservationHttp,
  ],
  providers: [
    AdvanceRound,
    RoundLifecycle,
    RoundGenerator,
    RoundCommand,
    CreateSeries,
    ListSeries,
    GetSeries,
    PauseSeries,
    CreateRound,
    ListRounds,
    GetRound,
    ApproveRound,
    CancelRound,
    StopSale,
    ResumeSale,
    ConservationCheck,
    GetConservation,
    Reconcile,
    ConservationWatch,
  ],
})
export class RoundsModule {}
