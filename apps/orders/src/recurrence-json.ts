// A recurrence as it is sent and stored, and the domain's form of it.
import type { Recurrence } from './domain/recurrence';

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
