import { type OrdersProto, ProblemError } from '@gravity/contracts';
import { callerOfGrpc, parseIdempotencyKey, valueOrThrow } from '@gravity/http';
import { uuidFromId } from '@gravity/kernel';
import { Operation } from '@gravity/service';
import { currentTraceparent } from '@gravity/observability';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { orderMessage } from '../../order-message';
import { CLAIM_RATE } from './claim-rate';
import { placeClaimBody } from './place-claim.dto';
import { PlaceClaimUseCase } from './place-claim.use-case';

/** A request as proto-loader delivers it: 64-bit numbers are texts. */
type Incoming = Omit<OrdersProto.PlaceClaimRequest, 'expectedTotal'> & {
  readonly expectedTotal?: { readonly amountMinor: string; readonly currency: string } | null;
};

@Controller()
export class PlaceClaimGrpc {
  constructor(private readonly placeClaim: PlaceClaimUseCase) {}

  @GrpcMethod('ClaimService', 'PlaceClaim')
  @Operation({
    id: 'placeClaim',
    summary: 'Claim units of an item in an open round',
    callers: ['buyer'],
    rateLimit: CLAIM_RATE,
    lane: 'fast',
  })
  async place(
    request: Incoming,
    metadata: object,
    call: { readonly cancelled: boolean },
  ): Promise<OrdersProto.PlaceClaimResponse> {
    const roundId = uuidFromId('round', request.roundId);
    if (roundId === undefined) throw new ProblemError({ code: 'not-found', detail: 'There is no such round.' });
    const expected = request.expectedTotal;
    const body = valueOrThrow(
      placeClaimBody({
        itemId: request.itemId,
        quantity: request.quantity,
        regionCode: request.regionCode,
        ...(expected ? { expectedTotal: { amount: Number(expected.amountMinor), currency: expected.currency } } : {}),
      }),
    );
    const idempotencyKey = valueOrThrow(parseIdempotencyKey(request.idempotencyKey));
    const placed = valueOrThrow(
      await this.placeClaim.execute({
        buyerId: callerOfGrpc(metadata).sub,
        roundId,
        idempotencyKey,
        itemId: body.itemId,
        quantity: body.quantity,
        regionCode: body.regionCode,
        expectedTotal: body.expectedTotal,
        traceparent: currentTraceparent(),
        aborted: () => call.cancelled,
      }),
    );
    return { order: orderMessage(placed.order), replayed: placed.replayed };
  }
}
