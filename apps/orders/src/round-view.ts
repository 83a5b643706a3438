// Series and rounds as callers see them over REST.
import type { CallerIdentity } from '@gravity/http';
import { idFromUuid, moneyToJson, toRfc3339 } from '@gravity/kernel';
import {
  CountField,
  EnumField,
  Field,
  FlagField,
  IdField,
  ListField,
  MoneyView,
  MoneyViewField,
  ObjectField,
  PageOf,
  seesAllOf,
  TextViewField,
  TimeField,
  values,
} from '@gravity/service';
import {
  ADMISSION_ORDERS,
  type AdmissionOrderName,
  availableUnits,
  PUBLIC_ROUND_STATUSES,
  roundMachine,
  type RoundStatus,
} from './domain/round';
import { ITEMS_MAX, REASON_MAX, REGIONS_MAX, TITLE_MAX } from './limits';
import { END_OF_WINDOW, type RecurrenceJson, TIME_OF_DAY, WEEKDAY } from './recurrence-json';
import type { Leftover, Round, RoundItem } from './storage/round-rows';
import { type Series, SERIES_STATUSES, type SeriesStatus } from './storage/series.repository';

const OWN_COUNTER = { optional: true, description: 'For operators and the merchant of the item' } as const;
const LEFTOVERS = ['END', 'CARRY'] as const;

export class RoundItemView {
  @IdField('item') id: string;
  @IdField('sku') skuId: string;
  @IdField('shop') shopId: string;
  @IdField('merchant') merchantId: string;
  @TextViewField({ max: TITLE_MAX }) title: string;
  @MoneyViewField() price: MoneyView;
  @CountField() perOrderLimit: number;
  @CountField() perBuyerLimit: number;
  @ListField(values.region(), {
    max: REGIONS_MAX,
    optional: true,
    description: 'Where it is delivered; absent: everywhere',
  })
  regions?: readonly string[];
  @CountField() quota: number;
  @CountField({ description: 'quota − held − sold − writtenOff' }) available: number;
  @CountField(OWN_COUNTER) held?: number;
  @CountField(OWN_COUNTER) sold?: number;
  @CountField(OWN_COUNTER) writtenOff?: number;
  @CountField({ optional: true, description: 'Sold units that were in an earlier order' }) resold?: number;
  @FlagField({ optional: true, description: 'Whether claims are accepted inside the window' }) selling?: boolean;
}

export class RoundView {
  @IdField('round') id: string;
  @IdField('series') seriesId: string;
  @CountField({ description: 'Counted per series' }) number: number;
  @EnumField(roundMachine.states) status: RoundStatus;
  @TimeField() opensAt: string;
  @TimeField() closesAt: string;
  @CountField() paymentWindowSeconds: number;
  @CountField({ optional: true, description: 'How often a buyer may win in the series' }) winLimit?: number;
  @EnumField(LEFTOVERS) leftover: Leftover;
  @FlagField({ description: 'True while the sale is stopped' }) stopped: boolean;
  @TextViewField({ max: REASON_MAX, optional: true }) stoppedReason?: string;
  @CountField({ description: 'Send it back as If-Match to change the round' }) version: number;
  @ListField(RoundItemView, { max: ITEMS_MAX }) items: readonly RoundItemView[];
  @TimeField({ description: 'The clock that opens and closes rounds, when this was read' }) serverTime: string;
}

export class RoundListView extends PageOf(RoundView) {}

export class RecurrenceView implements RecurrenceJson {
  @TimeField({ optional: true }) startsAt?: string;
  @TimeField({ optional: true }) endsAt?: string;
  @CountField() everySeconds: number;
  @CountField() openForSeconds: number;
  @Field(TIME_OF_DAY, { optional: true, example: '09:00' }) dailyFrom?: string;
  @Field(END_OF_WINDOW, { optional: true, example: '22:00' }) dailyUntil?: string;
  @ListField(WEEKDAY, { max: 7, optional: true, description: '1 is Monday' }) weekdays?: readonly number[];
}

export class SeriesItemView {
  @IdField('sku') skuId: string;
  @CountField() quota: number;
  @MoneyViewField() price: MoneyView;
  @CountField() perOrderLimit: number;
  @CountField() perBuyerLimit: number;
  @ListField(values.region(), { max: REGIONS_MAX, optional: true }) regions?: readonly string[];
}

export class SeriesView {
  @IdField('series') id: string;
  @TextViewField({ max: TITLE_MAX }) title: string;
  @EnumField(SERIES_STATUSES) status: SeriesStatus;
  @TextViewField({ max: 64, example: 'Asia/Shanghai' }) timeZone: string;
  @ObjectField(RecurrenceView) recurrence: RecurrenceView;
  @ListField(SeriesItemView, { max: ITEMS_MAX }) items: readonly SeriesItemView[];
  @CountField({ optional: true }) winLimit?: number;
  @CountField() paymentWindowSeconds: number;
  @EnumField(LEFTOVERS) leftover: Leftover;
  @EnumField(ADMISSION_ORDERS, { description: 'In which order the claims of an opening come to the gate' })
  admissionOrder: AdmissionOrderName;
  @FlagField() autoApprove: boolean;
  @CountField() warmAheadSeconds: number;
  @CountField() roundsAhead: number;
  @EnumField(['GATE', 'DIRECT'], { description: 'How claims are admitted at the moment' }) admission: 'GATE' | 'DIRECT';
  @CountField({ description: 'Send it back as If-Match to change the series' }) version: number;
  @TextViewField({ max: 200, description: 'The operator' }) createdBy: string;
  @TimeField() createdAt: string;
}

export class SeriesListView extends PageOf(SeriesView) {}

/**
 * The wire form of a round for one caller. Merchants see the counters of their own items, and of a round that is not
 * public yet only their own items.
 */
export function roundView(round: Round, nowMs: number, caller: CallerIdentity): RoundView {
  const sees = ({ merchantId }: RoundItem): boolean => seesAllOf(caller, merchantId);
  const isPublic = PUBLIC_ROUND_STATUSES.includes(round.status) || (round.status === 'CANCELLED' && round.sequence > 1);
  const items = round.items.filter((item) => isPublic || sees(item));
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
    items: items.map((item) => itemView(item, sees(item))),
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
