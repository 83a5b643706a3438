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

/** Reads a recurrence whose texts have been checked. A member that is null, as earlier releases stored it, is left out. */
export function recurrenceFromJson({ everySeconds, openForSeconds, ...json }: RecurrenceJson): Recurrence {
  return {
    everySeconds,
    openForSeconds,
    ...(isGiven(json.startsAt) ? { startsAtMs: Date.parse(json.startsAt) } : {}),
    ...(isGiven(json.endsAt) ? { endsAtMs: Date.parse(json.endsAt) } : {}),
    ...(isGiven(json.dailyFrom) ? { dailyFrom: minutesOf(json.dailyFrom) } : {}),
    ...(isGiven(json.dailyUntil) ? { dailyUntil: minutesOf(json.dailyUntil) } : {}),
    ...(isGiven(json.weekdays) ? { weekdays: json.weekdays } : {}),
  };
}

function isGiven<T>(member: T | null | undefined): member is T {
  return member !== undefined && member !== null;
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}
