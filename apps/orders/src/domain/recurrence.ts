// When the rounds of a series open, as data and a pure function of time.
import { instantOf, isoWeekday, localDayOf } from '@gravity/kernel';

/**
 * Every day that is one of `weekdays` has a window from `dailyFrom` to `dailyUntil` (without them: from midnight to
 * midnight). Rounds open at the start of the window and then every `everySeconds` of elapsed time, as long as the round
 * also closes inside the window. The grid starts anew each day, so it is aligned to the clock on the wall; on a day when
 * clocks change, rounds keep their distance and the window is an hour shorter or longer.
 */
export interface Recurrence {
  /** No round opens before this instant. Milliseconds since the epoch. */
  readonly startsAtMs?: number;
  /** No round opens at or after this instant. */
  readonly endsAtMs?: number;
  readonly everySeconds: number;
  readonly openForSeconds: number;
  /** Minutes since local midnight. */
  readonly dailyFrom?: number;
  /** Minutes since local midnight; not later than `dailyFrom` means on the day after. */
  readonly dailyUntil?: number;
  /** 1 is Monday, 7 is Sunday; of the day on which the window starts. */
  readonly weekdays?: readonly number[];
}

export const EVERY_SECONDS_MIN = 5;
export const EVERY_SECONDS_MAX = 86_400;
/** How many openings may be asked for at once. */
export const OPENINGS_MAX = 1_000;

/** Days looked through beyond what the openings asked for can need: a weekday, an overnight window, a lost day. */
const SPARE_DAYS = 16;

export interface Opening {
  readonly opensAtMs: number;
  readonly closesAtMs: number;
}

/** What is wrong with a recurrence, located by field; empty when nothing is. */
export function recurrenceFaults(
  recurrence: Recurrence,
): readonly { readonly field: string; readonly message: string }[] {
  const faults: { field: string; message: string }[] = [];
  const { startsAtMs, endsAtMs, everySeconds, openForSeconds } = recurrence;
  if (openForSeconds > everySeconds) {
    faults.push({ field: 'openForSeconds', message: 'must not be more than everySeconds: rounds would overlap' });
  }
  if (startsAtMs !== undefined && endsAtMs !== undefined && endsAtMs <= startsAtMs) {
    faults.push({ field: 'endsAt', message: 'must be later than startsAt' });
  }
  if (openForSeconds > windowMinutes(recurrence) * 60) {
    faults.push({ field: 'openForSeconds', message: 'must fit between dailyFrom and dailyUntil' });
  }
  if (recurrence.weekdays?.length === 0) faults.push({ field: 'weekdays', message: 'must name at least one day' });
  return faults;
}

/**
 * The next `count` (at most {@link OPENINGS_MAX}) openings strictly after an instant, in order. Fewer when the recurrence
 * ends. The recurrence must be free of {@link recurrenceFaults}.
 */
export function nextOpenings(recurrence: Recurrence, timeZone: string, afterMs: number, count: number): Opening[] {
  const wanted = Math.min(count, OPENINGS_MAX);
  // The start is inclusive, `afterMs` is not.
  const fromMs = Math.max(afterMs + 1, recurrence.startsAtMs ?? Number.NEGATIVE_INFINITY);
  const openings: Opening[] = [];
  // The day before may still have a window that runs past midnight.
  const firstDay = localDayOf(timeZone, fromMs) - 1;
  const endDay =
    recurrence.endsAtMs === undefined ? Number.POSITIVE_INFINITY : localDayOf(timeZone, recurrence.endsAtMs);
  const lastDay = Math.min(endDay, firstDay + 7 * wanted + SPARE_DAYS);
  for (let day = firstDay; day <= lastDay && openings.length < wanted; day += 1) {
    if (recurrence.weekdays !== undefined && !recurrence.weekdays.includes(isoWeekday(day))) continue;
    openings.push(...openingsOfDay(recurrence, timeZone, day, fromMs, wanted - openings.length));
  }
  return openings;
}

function openingsOfDay(
  recurrence: Recurrence,
  timeZone: string,
  day: number,
  fromMs: number,
  wanted: number,
): Opening[] {
  const window = windowOfDay(recurrence, timeZone, day);
  const everyMs = recurrence.everySeconds * 1_000;
  const openForMs = recurrence.openForSeconds * 1_000;
  const endsAtMs = recurrence.endsAtMs ?? Number.POSITIVE_INFINITY;
  const firstStep = Math.max(0, Math.ceil((fromMs - window.fromMs) / everyMs));
  const openings: Opening[] = [];
  for (let step = firstStep; openings.length < wanted; step += 1) {
    const opensAtMs = window.fromMs + step * everyMs;
    if (opensAtMs + openForMs > window.untilMs || opensAtMs >= endsAtMs) break;
    openings.push({ opensAtMs, closesAtMs: opensAtMs + openForMs });
  }
  return openings;
}

/** The selling window that starts on the local day. Windows of different days never overlap. */
export function windowOfDay(
  recurrence: Recurrence,
  timeZone: string,
  day: number,
): { fromMs: number; untilMs: number } {
  const from = recurrence.dailyFrom ?? 0;
  const until = from + windowMinutes(recurrence);
  const fromMs = instantOf(timeZone, day, from);
  const untilMs = until < 1_440 ? instantOf(timeZone, day, until) : instantOf(timeZone, day + 1, until - 1_440);
  return { fromMs, untilMs };
}

function windowMinutes(recurrence: Recurrence): number {
  const from = recurrence.dailyFrom ?? 0;
  const until = recurrence.dailyUntil ?? 1_440;
  return until > from ? until - from : until + 1_440 - from;
}
