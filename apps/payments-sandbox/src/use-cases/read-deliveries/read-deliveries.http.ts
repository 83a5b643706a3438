// The delivery log: the callbacks of an intent and their states.
import { toRfc3339 } from '@gravity/kernel';
import { Operation } from '@gravity/service';
import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ServerKeyGuard } from '../../server-key.guard';
import { type DeliveryLogEntry, DeliveryRepository } from '../../storage/delivery.repository';
import { DeliveryListView, type DeliveryView, LOG_ENTRIES_MAX, ReadDeliveriesQuery } from './read-deliveries.dto';

@Controller('payments-sandbox/v1/deliveries')
export class ReadDeliveriesHttp {
  constructor(private readonly deliveries: DeliveryRepository) {}

  @Get()
  @Operation({
    id: 'readDeliveries',
    summary: 'Read the delivery log of one intent, oldest first',
    publicBecause: 'checked by the provider key',
    tags: ['payments-sandbox'],
    problems: ['unauthenticated'],
    response: DeliveryListView,
  })
  @UseGuards(ServerKeyGuard)
  async handle(@Query() query: ReadDeliveriesQuery): Promise<DeliveryListView> {
    const entries = await this.deliveries.log(query.intentId, LOG_ENTRIES_MAX + 1);
    return { items: entries.slice(0, LOG_ENTRIES_MAX).map(view), hasMore: entries.length > LOG_ENTRIES_MAX };
  }
}

function view(entry: DeliveryLogEntry): DeliveryView {
  return {
    deliveryId: entry.deliveryId,
    eventId: entry.eventId,
    type: entry.type,
    status: entry.status,
    attempts: entry.attempts,
    createdAt: toRfc3339(entry.createdAtMs),
    ...(entry.status === 'PENDING' ? { dueAt: toRfc3339(entry.dueAtMs) } : {}),
    ...(entry.lastHttpStatus === undefined ? {} : { lastHttpStatus: entry.lastHttpStatus }),
    ...(entry.lastError === undefined ? {} : { lastError: entry.lastError }),
    ...(entry.deliveredAtMs === undefined ? {} : { deliveredAt: toRfc3339(entry.deliveredAtMs) }),
  };
}
