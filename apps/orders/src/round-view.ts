// Series and rounds as callers see them over REST.
import { ApiProperty } from '@nestjs/swagger';
import type { CallerIdentity } from '@gravity/http';
import { CURRENCIES, type Currency, idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import {
  ADMISSION_ORDERS,
  type AdmissionOrderName,
  availableUnits,
  PUBLIC_ROUND_STATUSES,
  roundMachine,
  type RoundStatus,
} from './domain/round';
import type { RecurrenceJson } from './recurrence-json';
import { ownMerchant, seesEverything } from './round-access';
import type { Leftover, Round, RoundItem } from './storage/round-rows';
import type { Series, SeriesStatus } from './storage/series.repository';

const TIME = { type: 'string', format: 'date-time', example: '2026-11-20T12:00:00.000Z' } as const;
const UNITS = { type: 'integer', minimum: 0 } as const;

export class SaleMoneyView {
  @ApiProperty({ type: 'integer', description: 'Minor units', example: 149900 }) amount: number;
  @ApiProperty({ enum: CURRENCIES, example: 'CNY' }) currency: Currency;
}

export class RoundItemView {
  @ApiProperty({ example: 'itm_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() skuId: string;
  @ApiProperty() shopId: string;
  @ApiProperty() merchantId: string;
  @ApiProperty() title: string;
  @ApiProperty({ type: SaleMoneyView }) price: SaleMoneyView;
  @ApiProperty({ type: 'integer' }) perOrderLimit: number;
  @ApiProperty({ type: 'integer' }) perBuyerLimit: number;
  @ApiProperty({ type: [String], required: false, description: 'Where it is delivered; absent: everywhere' })
  regions?: readonly string[];
  @ApiProperty(UNITS) quota: number;
  @ApiProperty({ ...UNITS, description: 'quota − held − sold − writtenOff' }) available: number;
  @ApiProperty({ ...UNITS, required: false, description: 'For operators and the merchant of the item' }) held?: number;
  @ApiProperty({ ...UNITS, required: false, description: 'For operators and the merchant of the item' }) sold?: number;
  @ApiProperty({ ...UNITS, required: false, description: 'For operators and the merchant of the item' })
  writtenOff?: number;
  @ApiProperty({ ...UNITS, required: false, description: 'Sold units that had been in another order before' })
  resold?: number;
  @ApiProperty({ required: false, description: 'Whether claims are accepted inside the window' }) selling?: boolean;
}

export class RoundView {
  @ApiProperty({ example: 'rnd_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() seriesId: string;
  @ApiProperty({ type: 'integer', description: 'Counted per series' }) number: number;
  @ApiProperty({ enum: roundMachine.states }) status: RoundStatus;
  @ApiProperty(TIME) opensAt: string;
  @ApiProperty(TIME) closesAt: string;
  @ApiProperty({ type: 'integer' }) paymentWindowSeconds: number;
  @ApiProperty({ type: 'integer', required: false, description: 'How often a buyer may win in the series' })
  winLimit?: number;
  @ApiProperty({ enum: ['END', 'CARRY'] }) leftover: Leftover;
  @ApiProperty({ description: 'True while the sale is stopped' }) stopped: boolean;
  @ApiProperty({ required: false }) stoppedReason?: string;
  @ApiProperty({ type: 'integer', description: 'Send it back as If-Match to change the round' }) version: number;
  @ApiProperty({ type: [RoundItemView] }) items: RoundItemView[];
  @ApiProperty({ ...TIME, description: 'The clock that opens and closes rounds, when this was read' })
  serverTime: string;
}

export class RoundListView {
  @ApiProperty({ type: [RoundView] }) items: RoundView[];
  @ApiProperty({ required: false, description: 'Ask for the next page with it; absent on the last page' })
  nextCursor?: string;
  @ApiProperty() hasMore: boolean;
}

export class RecurrenceView implements RecurrenceJson {
  @ApiProperty({ ...TIME, required: false }) startsAt?: string;
  @ApiProperty({ ...TIME, required: false }) endsAt?: string;
  @ApiProperty({ type: 'integer' }) everySeconds: number;
  @ApiProperty({ type: 'integer' }) openForSeconds: number;
  @ApiProperty({ required: false, example: '09:00' }) dailyFrom?: string;
  @ApiProperty({ required: false, example: '22:00' }) dailyUntil?: string;
  @ApiProperty({ type: [Number], required: false, description: '1 is Monday' }) weekdays?: readonly number[];
}

export class SeriesItemView {
  @ApiProperty() skuId: string;
  @ApiProperty(UNITS) quota: number;
  @ApiProperty({ type: SaleMoneyView }) price: SaleMoneyView;
  @ApiProperty({ type: 'integer' }) perOrderLimit: number;
  @ApiProperty({ type: 'integer' }) perBuyerLimit: number;
  @ApiProperty({ type: [String], required: false }) regions?: readonly string[];
}

export class SeriesView {
  @ApiProperty({ example: 'ser_01jcw8k3zqe6vrh5t2m9xa0001' }) id: string;
  @ApiProperty() title: string;
  @ApiProperty({ enum: ['ACTIVE', 'PAUSED', 'ENDED'] }) status: SeriesStatus;
  @ApiProperty({ example: 'Asia/Shanghai' }) timeZone: string;
  @ApiProperty({ type: RecurrenceView }) recurrence: RecurrenceView;
  @ApiProperty({ type: [SeriesItemView] }) items: SeriesItemView[];
  @ApiProperty({ type: 'integer', required: false }) winLimit?: number;
  @ApiProperty({ type: 'integer' }) paymentWindowSeconds: number;
  @ApiProperty({ enum: ['END', 'CARRY'] }) leftover: Leftover;
  @ApiProperty({ enum: ADMISSION_ORDERS, description: 'In which order the claims of an opening come to the gate' })
  admissionOrder: AdmissionOrderName;
  @ApiProperty() autoApprove: boolean;
  @ApiProperty({ type: 'integer' }) warmAheadSeconds: number;
  @ApiProperty({ type: 'integer' }) roundsAhead: number;
  @ApiProperty({ enum: ['GATE', 'DIRECT'], description: 'How claims are admitted at the moment' }) admission:
    'GATE' | 'DIRECT';
  @ApiProperty({ type: 'integer', description: 'Send it back as If-Match to change the series' }) version: number;
  @ApiProperty() createdBy: string;
  @ApiProperty(TIME) createdAt: string;
}

export class SeriesListView {
  @ApiProperty({ type: [SeriesView] }) items: SeriesView[];
  @ApiProperty({ required: false, description: 'Ask for the next page with it; absent on the last page' })
  nextCursor?: string;
  @ApiProperty() hasMore: boolean;
}

/**
 * The wire form of a round for one caller. Merchants see the counters of their own items, and of a round that is not
 * public yet only their own items.
 */
export function roundView(round: Round, nowMs: number, caller: CallerIdentity): RoundView {
  const everything = seesEverything(caller);
  const merchantId = ownMerchant(caller);
  const isPublic = PUBLIC_ROUND_STATUSES.includes(round.status) || (round.status === 'CANCELLED' && round.sequence > 1);
  const items = round.items.filter((item) => everything || isPublic || item.merchantId === merchantId);
  return {
    id: idFromUuid('round', round.roundId),
    seriesId: idFromUuid('series', round.seriesId),
    number: round.number,
    status: round.status,
    opensAt: toRfc3339(round.opensAtMs),
    closesAt: toRfc3339(round.closesAtMs),
    paymentWindowSeconds: round.paymentWindowSeconds,
    ...(round.winLimit === undefined ? {} : { winLimit: round.winLimit }),
    leftover: round.leftover,
    stopped: round.stoppedReason !== undefined,
    ...(round.stoppedReason === undefined ? {} : { stoppedReason: round.stoppedReason }),
    version: round.version,
    items: items.map((item) => itemView(item, everything || item.merchantId === merchantId)),
    serverTime: toRfc3339(nowMs),
  };
}

function itemView(item: RoundItem, withCounters: boolean): RoundItemView {
  const { held, sold, writtenOff, resold, selling } = item;
  return {
    id: idFromUuid('item', item.itemId),
    skuId: idFromUuid('sku', item.skuId),
    shopId: idFromUuid('shop', item.shopId),
    merchantId: idFromUuid('merchant', item.merchantId),
    title: item.title,
    price: moneyToJson(item.price),
    perOrderLimit: item.perOrderLimit,
    perBuyerLimit: item.perBuyerLimit,
    ...(item.regions === undefined ? {} : { regions: item.regions }),
    quota: item.quota,
    available: availableUnits(item),
    ...(withCounters ? { held, sold, writtenOff, resold, selling } : {}),
  };
}

/** The wire form of a series. */
export function seriesView(series: Series): SeriesView {
  return {
    id: idFromUuid('series', series.seriesId),
    title: series.title,
    status: series.status,
    timeZone: series.timeZone,
    recurrence: series.recurrence,
    items: series.items.map((item) => ({
      skuId: idFromUuid('sku', item.skuId),
      quota: item.quota,
      price: moneyToJson(item.price),
      perOrderLimit: item.perOrderLimit,
      perBuyerLimit: item.perBuyerLimit,
      ...(item.regions === undefined ? {} : { regions: item.regions }),
    })),
    ...(series.winLimit === undefined ? {} : { winLimit: series.winLimit }),
    paymentWindowSeconds: series.paymentWindowSeconds,
    leftover: series.leftover,
    admissionOrder: series.admissionOrder,
    autoApprove: series.autoApprove,
    warmAheadSeconds: series.warmAheadSeconds,
    roundsAhead: series.roundsAhead,
    admission: series.admission,
    version: series.version,
    createdBy: series.createdBy,
    createdAt: toRfc3339(series.createdAtMs),
  };
}
