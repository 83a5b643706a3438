import { type OrdersProto, ProblemError } from '@gravity/contracts';
import { PAGE_LIMIT_MAX, callerOfGrpc, valueOrThrow } from '@gravity/http';
import { Operation } from '@gravity/service';
import { uuidFromId } from '@gravity/kernel';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { ORDER_STATUSES, type OrderStatus } from '../../domain/order';
import { orderMessage } from '../../order-message';
import { ListOrders } from './list-orders.use-case';

const DEFAULT_PAGE_SIZE = 20;
const UNSPECIFIED = 'ORDER_STATUS_UNSPECIFIED';

@Controller()
export class ListOrdersGrpc {
  constructor(private readonly listOrders: ListOrders) {}

  @GrpcMethod('OrderService', 'ListOrders')
  @Operation({
    id: 'listOrders',
    summary: 'List orders, newest first',
    callers: ['buyer', 'merchant', 'operator', 'service'],
  })
  async list(request: OrdersProto.ListOrdersRequest, metadata: object): Promise<OrdersProto.ListOrdersResponse> {
    const { roundId, pageSize, pageToken } = request;
    if (pageSize < 0 || pageSize > PAGE_LIMIT_MAX) throw invalid('page_size', `must be from 0 to ${PAGE_LIMIT_MAX}`);
    if (roundId !== '' && uuidFromId('round', roundId) === undefined)
      throw invalid('round_id', 'is not the id of a round');
    const page = valueOrThrow(
      await this.listOrders.execute(callerOfGrpc(metadata), {
        status: statusOf(request.status),
        roundId: roundId === '' ? undefined : roundId,
        limit: pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize,
        cursor: pageToken === '' ? undefined : pageToken,
      }),
    );
    return { orders: page.items.map(orderMessage), nextPageToken: page.nextCursor ?? '' };
  }
}

function statusOf(name: string): OrderStatus | undefined {
  if (name === UNSPECIFIED) return undefined;
  const status = ORDER_STATUSES.find((known) => `ORDER_STATUS_${known}` === name);
  if (status === undefined) throw invalid('status', 'is not a status of an order');
  return status;
}

function invalid(field: string, message: string): ProblemError {
  const errors = [{ pointer: `/${field}`, message }];
  return new ProblemError({ code: 'invalid-request', detail: 'The request does not match its schema.', errors });
}
