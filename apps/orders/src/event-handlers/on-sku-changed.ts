// Every event of a SKU carries the whole SKU: orders keeps its own copy, so that no buying path asks the catalogue. A
// delisted SKU also leaves the sales that are running; listed again, it returns to them.
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventPayload } from '@gravity/contracts';
import { type EventContext, OnEvent } from '@gravity/messaging';
import { uuidFromId } from '@gravity/kernel';
import { followListings } from '../storage/rounds.repository';
import { saveSkuSnapshot } from '../storage/sku-snapshots.repository';

type SkuEvent = EventPayload<'catalog.sku.listed.v1'>;

@Controller()
export class OnSkuChanged {
  @OnEvent('catalog.sku.added.v1', { batch: true })
  added(@Payload() events: readonly SkuEvent[], @Ctx() context: EventContext): Promise<void> {
    return this.save(events, context);
  }

  @OnEvent('catalog.sku.priced.v1', { batch: true })
  priced(@Payload() events: readonly SkuEvent[], @Ctx() context: EventContext): Promise<void> {
    return this.save(events, context);
  }

  @OnEvent('catalog.sku.listed.v1', { batch: true })
  async listed(@Payload() events: readonly SkuEvent[], @Ctx() context: EventContext): Promise<void> {
    await this.save(events, context);
    await followListings(context.tx, skuIdsOf(events));
  }

  @OnEvent('catalog.sku.delisted.v1', { batch: true })
  async delisted(@Payload() events: readonly SkuEvent[], @Ctx() context: EventContext): Promise<void> {
    await this.save(events, context);
    await followListings(context.tx, skuIdsOf(events));
  }

  /** In the order of the ids, so that two processes never wait for each other's rows in a ring. */
  private async save(events: readonly SkuEvent[], context: EventContext): Promise<void> {
    const inOrder = [...events].sort((a, b) =>
      a.skuId === b.skuId ? a.sequence - b.sequence : a.skuId < b.skuId ? -1 : 1,
    );
    for (const event of inOrder) await saveSkuSnapshot(context.tx, event);
  }
}

function skuIdsOf(events: readonly SkuEvent[]): string[] {
  return [...new Set(events.map((event) => uuidFromId('sku', event.skuId)))].filter((id) => id !== undefined);
}
