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
