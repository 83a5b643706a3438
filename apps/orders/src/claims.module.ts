// The claim path beside the gate: the decision and the use case.
import type { Problem } from '@gravity/contracts';
import { ShutdownHooks } from '@gravity/http';
import { type Clock, monotonicMs } from '@gravity/kernel';
import { OutboxRelay } from '@gravity/messaging';
import { Database } from '@gravity/persistence';
import { CLOCK, configOf, coreOf } from '@gravity/service';
import { Module, type OnApplicationBootstrap, type Provider } from '@nestjs/common';
import { claimsWaiting, countClaim, countDraw } from './claims-metrics';
import { ClaimDecider } from './decision/claim-decider';
import { ClockFollower } from './decision/clock-follower';
import { ServerClock } from './decision/server-clock';
import { type AdmissionOrders, type ClaimInLine, DrawnOrder, firstCome } from './gate/admission-order';
import { GateConnection } from './gate/gate-connection';
import { GateKeeper } from './gate/gate-keeper';
import { OpeningDraw } from './gate/opening-draw';
import { OpeningLots } from './gate/opening-lots';
import { RedisGate } from './gate/redis-gate';
import { SoldOutBoard } from './gate/sold-out-board';
import { GateModule } from './gate.module';
import { type OrdersConfig, SERVICE } from './orders-config';
import { PaymentsModule } from './payments.module';
import { SaleDirectory } from './sales/sale-directory';
import { composePlaceClaim } from './use-cases/place-claim/compose-place-claim';
import { PlaceClaimGrpc } from './use-cases/place-claim/place-claim.grpc';
import { PlaceClaimHttp } from './use-cases/place-claim/place-claim.http';
import { PlaceClaimUseCase } from './use-cases/place-claim/place-claim.use-case';
import { PlacedClaims } from './use-cases/place-claim/placed-claims';
import { SOLD_OUT } from './use-cases/place-claim/refusals';
import { FreeOrdersWorker } from './workers/free-orders';

const ORDERS_CONFIG = configOf(SERVICE);
/** DI token of the {@link AdmissionOrders}. */
const ADMISSION_ORDERS_IN_USE = Symbol('AdmissionOrders');

@Module({
  imports: [coreOf(SERVICE), GateModule, PaymentsModule],
  controllers: [PlaceClaimHttp, PlaceClaimGrpc],
  providers: [...decisionProviders(), admissionOrders(), claimUseCase()],
})
export class ClaimsModule implements OnApplicationBootstrap {
  constructor(
    private readonly decider: ClaimDecider,
    private readonly hooks: ShutdownHooks,
  ) {}

  onApplicationBootstrap(): void {
    this.hooks.onDrain('orders claims', () => this.decider.drain());
    claimsWaiting(SERVICE, () => this.decider.depth);
  }
}

function decisionProviders(): Provider[] {
  return [
    {
      provide: ServerClock,
      inject: [Database, CLOCK],
      useFactory: (database: Database, clock: Clock) => new ServerClock(database, clock),
    },
    { provide: ClockFollower, inject: [ServerClock], useFactory: (clock: ServerClock) => new ClockFollower(clock) },
    {
      provide: ClaimDecider,
      inject: [Database, ServerClock, OutboxRelay, FreeOrdersWorker, ORDERS_CONFIG],
      useFactory: deciderOf,
    },
    { provide: SoldOutBoard, useFactory: () => new SoldOutBoard(monotonicMs) },
    {
      provide: SaleDirectory,
      inject: [Database],
      useFactory: (database: Database) => new SaleDirectory(database, monotonicMs),
    },
    PlacedClaims,
  ];
}

function deciderOf(
  database: Database,
  clock: ServerClock,
  relay: OutboxRelay,
  freeOrders: FreeOrdersWorker,
  config: OrdersConfig,
): ClaimDecider {
  return new ClaimDecider(database, clock, {
    batchMax: config.claimsPerBatch,
    queueMax: config.claimsQueued,
    onCommitted: (batch) => {
      relay.wake();
      if (batch.some(({ item }) => item.priceMinor === 0n)) freeOrders.wake();
    },
  });
}

/** The order of the claims of a series: first come, or drawn at the opening. */
function admissionOrders(): Provider {
  return {
    provide: ADMISSION_ORDERS_IN_USE,
    inject: [GateConnection, GateKeeper, SoldOutBoard, ServerClock, ORDERS_CONFIG],
    useFactory: (
      connection: GateConnection,
      keeper: GateKeeper,
      board: SoldOutBoard,
      clock: ServerClock,
      { openingDraw }: OrdersConfig,
    ): AdmissionOrders => {
      const lots = new OpeningLots(connection, keeper);
      const draw = new OpeningDraw({ ...openingDraw, clock, lots, onOutcome: countDraw });
      // A buyer with a late turn mostly finds the item flagged as sold out.
      const soldOut = ({ item, buyerId }: ClaimInLine): Problem | undefined =>
        board.refuses(item.itemId, item.epoch, buyerId) ? SOLD_OUT : undefined;
      return { FIRST_COME: firstCome, DRAW: new DrawnOrder(draw, soldOut) };
    },
  };
}

function claimUseCase(): Provider {
  return {
    provide: PlaceClaimUseCase,
    inject: [
      SaleDirectory,
      RedisGate,
      GateKeeper,
      SoldOutBoard,
      ClaimDecider,
      PlacedClaims,
      ServerClock,
      ADMISSION_ORDERS_IN_USE,
    ],
    useFactory: (
      directory: SaleDirectory,
      gate: RedisGate,
      keeper: GateKeeper,
      board: SoldOutBoard,
      decider: ClaimDecider,
      placed: PlacedClaims,
      clock: ServerClock,
      orders: AdmissionOrders,
    ) => composePlaceClaim({ directory, gate, keeper, board, decider, placed, clock, orders, onOutcome: countClaim }),
  };
}
