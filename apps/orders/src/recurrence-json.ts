// A recurrence as it is sent and stored, and the domain's form of it.
import { values } from '@gravity/service';
import type { Recurrence } from './domain/recurrence';

/** A local time of day. */
export const TIME_OF_DAY = values.matching('^([01]\\d|2[0-3]):[0-5]\\d$', 'must be HH:mm');
/** The end of a daily window: a local time of day, or the end of the day. */
export const END_OF_WINDOW = values.matching('^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$', 'must be HH:mm or 24:00');
/** 1 is Monday, 7 is Sunday. */
export const WEEKDAY = values.integer({ min: 1, max: 7 });

/** `startsAt`, `endsAt` in RFC 3339; `dailyFrom`, `dailyUntil` as `HH:mm` (`24:00` for the end of the day). */
export interface RecurrenceJson {
  readonly startsAt?: string;
  readonly endsAt?: string;
  readonly everySeconds: number;
  readonly openForSeconds: number;
  readonly dailyFrom?: string;
  readonly dailyUntil?: string;
  readonly weekdays?: readonly number[];
}

/** Reads a recurrence whose texts have been checked. */
export function recurrenceFromJson(json: RecurrenceJson): Recurrence {
  return {
    everySeconds: json.everySeconds,
    openForSeconds: json.openForSeconds,
    ...(json.startsAt === undefined ? {} : { startsAtMs: Date.parse(json.startsAt) }),
    ...(json.endsAt === undefined ? {} : { endsAtMs: Date.parse(json.endsAt) }),
    ...(json.dailyFrom === undefined ? {} : { dailyFrom: minutesOf(json.dailyFrom) }),
    ...(json.dailyUntil === undefined ? {} : { dailyUntil: minutesOf(json.dailyUntil) }),
    ...(json.weekdays === undefined ? {} : { weekdays: json.weekdays }),
  };
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}
