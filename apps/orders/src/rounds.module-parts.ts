// What series, rounds and their workers bring into the module: spread these lists into it. They need, from the module:
// Database, OutboxRelay and GateControl; from the platform: CursorSigner, ShutdownHooks and the logger.
import { validateEvent } from '@gravity/contracts';
import { APP_LOGGER, ShutdownHooks } from '@gravity/http';
import { KafkaEventServer } from '@gravity/messaging';
import type { AppLogger } from '@gravity/observability';
import { Database } from '@gravity/persistence';
import { Inject, Injectable, type OnApplicationBootstrap, type Provider, type Type } from '@nestjs/common';
import { ORDERS_EVENT_SERVER, ORDERS_EVENTS } from './events-transport';
import { type OrdersConfig, SERVICE } from './orders-config';
import { OnSkuChanged } from './reactions/on-sku-changed';
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

/** Runs the background work from the end of the start to the drain. */
@Injectable()
export class RoundWorkers implements OnApplicationBootstrap {
  constructor(
    @Inject(RoundGenerator) private readonly generator: RoundGenerator,
    @Inject(RoundLifecycle) private readonly lifecycle: RoundLifecycle,
    @Inject(ConservationWatch) private readonly watch: ConservationWatch,
    @Inject(ShutdownHooks) private readonly hooks: ShutdownHooks,
  ) {}

  onApplicationBootstrap(): void {
    const workers = [this.generator, this.lifecycle, this.watch];
    for (const worker of workers) worker.start();
    this.hooks.onDrain('orders rounds', async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    });
  }
}

export const roundControllers: Type[] = [
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
  OnSkuChanged,
];

export const roundProviders: Provider[] = [
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
  RoundWorkers,
];

/** The consumer of the catalogue's events; the platform starts it once the service is up. */
export function eventServerProvider(config: OrdersConfig): Provider {
  return {
    provide: ORDERS_EVENT_SERVER,
    inject: [Database, APP_LOGGER],
    useFactory: (database: Database, log: AppLogger) =>
      new KafkaEventServer({
        transportId: ORDERS_EVENTS,
        consumer: SERVICE,
        brokers: config.kafkaBrokers,
        clientId: SERVICE,
        topicPrefix: config.topicPrefix,
        validate: (type, payload) => validateEvent(type, payload),
        database,
        log,
      }),
  };
}
