import { Caller, type CallerIdentity, type Page, valueOrThrow } from '@gravity/http';
import { Operation } from '@gravity/service';
import { Controller, Get, Query } from '@nestjs/common';
import { OrderListView, type OrderView } from '../../order-view';
import { ListOrdersQuery } from './list-orders.dto';
import { ListOrders } from './list-orders.use-case';

@Controller('orders/v1/orders')
export class ListOrdersHttp {
  constructor(private readonly listOrders: ListOrders) {}

  @Get()
  @Operation({
    id: 'listOrders',
    summary: 'List orders, newest first',
    description: 'A buyer sees their own orders, a merchant those of their shops, an operator all.',
    callers: ['buyer', 'merchant', 'operator', 'service'],
    tags: ['orders'],
    problems: ['invalid-cursor'],
    response: OrderListView,
  })
  async list(@Caller() caller: CallerIdentity, @Query() query: ListOrdersQuery): Promise<Page<OrderView>> {
    return valueOrThrow(await this.listOrders.execute(caller, query));
  }
}
