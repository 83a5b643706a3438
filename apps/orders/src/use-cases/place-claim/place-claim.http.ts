import type { Problem } from '@gravity/contracts';
import {
  callerOf,
  type HttpReply,
  type HttpRequest,
  parseIdempotencyKey,
  type PreparedProblem,
  prepareProblem,
  sendProblem,
} from '@gravity/http';
import { uuidFromId } from '@gravity/kernel';
import { Operation, values } from '@gravity/service';
import { currentTraceparent } from '@gravity/observability';
import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { OrderView } from '../../order-view';
import { CLAIM_RATE } from './claim-rate';
import { PlaceClaimBody, placeClaimBody } from './place-claim.dto';
import type { Answer } from './claim';
import { PlaceClaimUseCase } from './place-claim.use-case';
import { OVERLOADED, SOLD_OUT } from './refusals';

const NOT_FOUND: Problem = { code: 'not-found', detail: 'There is no such round.' };
const ROUND_IDS_MAX = 1_000;
/** The most frequent refusals. Their text never changes, so it is made once. */
const PREPARED: ReadonlyMap<Problem, PreparedProblem> = new Map(
  [SOLD_OUT, OVERLOADED].map((problem) => [problem, prepareProblem(problem)]),
);
const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The hot route of the product: it reads the request and writes the reply itself, because parameter pipes and a thrown
 * refusal would cost more than the claim.
 */
@Controller('orders/v1/rounds')
export class PlaceClaimHttp {
  private readonly roundIds = new Map<string, string>();

  constructor(private readonly placeClaim: PlaceClaimUseCase) {}

  @Post(':roundId/claims')
  @Operation({
    id: 'placeClaim',
    summary: 'Claim units of an item in an open round',
    description:
      'Answers 201 with an order awaiting payment, only after the order is committed. Refusals answer at once. Repeat a ' +
      'request whose answer was lost with the same Idempotency-Key: an accepted claim is answered as it was the first time. ' +
      'An order that costs nothing is paid by itself right after, without a payment.',
    callers: ['buyer'],
    tags: ['claims'],
    idempotent: true,
    status: 201,
    body: PlaceClaimBody,
    response: OrderView,
    responseDescription: 'The order, awaiting payment until `expiresAt`.',
    problems: [
      'not-found',
      'round-not-open',
      'round-closed',
      'sold-out',
      'limit-reached',
      'already-won',
      'not-deliverable',
      'sale-stopped',
      'price-changed',
      'outcome-unknown',
    ],
    rateLimit: CLAIM_RATE,
    lane: 'fast',
  })
  @ApiParam({ name: 'roundId', schema: values.id('round').schema })
  place(@Req() request: HttpRequest, @Res() reply: HttpReply): void | Promise<void> {
    const roundId = this.roundIdOf((request.params as { roundId: string }).roundId);
    if (roundId === undefined) return sendProblem(reply, NOT_FOUND);
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    if (!key.ok) return sendProblem(reply, key.error);
    const body = placeClaimBody(request.body);
    if (!body.ok) return sendProblem(reply, body.error);
    const answer = this.placeClaim.execute({
      buyerId: callerOf(request).sub,
      roundId,
      idempotencyKey: key.value,
      itemId: body.value.itemId,
      quantity: body.value.quantity,
      regionCode: body.value.regionCode,
      expectedTotal: body.value.expectedTotal,
      traceparent: currentTraceparent(),
      aborted: () => reply.raw.destroyed,
    });
    return answer instanceof Promise ? this.sendLater(reply, answer) : this.send(reply, answer);
  }

  private async sendLater(reply: HttpReply, answer: Promise<Answer>): Promise<void> {
    this.send(reply, await answer);
  }

  private send(reply: HttpReply, answer: Answer): void {
    if (!answer.ok) return sendProblem(reply, PREPARED.get(answer.error) ?? answer.error);
    if (answer.value.replayed) reply.header('idempotent-replayed', 'true');
    reply.statusCode = 201;
    reply.header('content-type', JSON_TYPE).send(JSON.stringify(answer.value.order));
  }

  /** Many buyers claim in the same few rounds: their ids are parsed once. */
  private roundIdOf(text: string): string | undefined {
    const known = this.roundIds.get(text);
    if (known !== undefined) return known;
    const roundId = uuidFromId('round', text);
    if (roundId === undefined) return undefined;
    if (this.roundIds.size >= ROUND_IDS_MAX) this.roundIds.clear();
    this.roundIds.set(text, roundId);
    return roundId;
  }
}
