// The opening times of a series, as data and a pure function of time.
import { DAY_MS, isoWeekday, LocalClock, localDayOf, MINUTE_MS } from '@gravity/kernel';

/**
 * Every day that is one of `weekdays` has a window from `dailyFrom` to `dailyUntil` (without them: from midnight to
 * midnight). Rounds open at the local time at which the window starts and every `everySeconds` after it, as long as the
 * round also closes inside the window. The grid starts anew each day.
 *
 * On a day when clocks change (RFC 5545): a local time that is skipped moves forward by the gap; one that is shown twice
 * happens the first time. Two openings of one instant are one. A round closes when the next one opens at the latest, which
 * is sooner than `openForSeconds` only around a gap.
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
/** Openings per call. */
export const OPENINGS_MAX = 1_000;

/** Days looked through beyond what the openings asked for can need: a weekday, an overnight window, a lost day. */
const SPARE_DAYS = 24;
/** Years have four digits on the wire; the openings after the start need several of them at most. */
const STARTS_BEFORE_YEAR = 9_990;
const STARTS_BEFORE_MS = Date.UTC(STARTS_BEFORE_YEAR, 0);
/** An opening is at most so many days after the day of its window: past midnight, and moved by a gap of a whole day. */
const SPILL_DAYS = 2;

export interface Opening {
  readonly opensAtMs: number;
  readonly closesAtMs: number;
}

/** The faults of a recurrence, located by field; empty when it has none. */
export function recurrenceFaults(
  recurrence: Recurrence,
): readonly { readonly field: string; readonly message: string }[] {
  const faults: { field: string; message: string }[] = [];
  const { startsAtMs, endsAtMs, everySeconds, openForSeconds } = recurrence;
  if (openForSeconds > everySeconds) {
    faults.push({ field: 'openForSeconds', message: 'must not be more than everySeconds: rounds would overlap' });
  }
  if (startsAtMs !== undefined && startsAtMs >= STARTS_BEFORE_MS) {
    faults.push({ field: 'startsAt', message: `must be before the year ${STARTS_BEFORE_YEAR}` });
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
  const firstDay = localDayOf(timeZone, fromMs) - SPILL_DAYS;
  const endDay =
    recurrence.endsAtMs === undefined ? Number.POSITIVE_INFINITY : localDayOf(timeZone, recurrence.endsAtMs) + 1;
  const lastDay = Math.min(endDay, firstDay + 7 * wanted + SPARE_DAYS);
  // One more than wanted: the last one's close may depend on it.
  const found = new Set<number>();
  let spillLeft = SPILL_DAYS;
  for (let day = firstDay; day <= lastDay && spillLeft >= 0; day += 1) {
    if (recurrence.weekdays === undefined || recurrence.weekdays.includes(isoWeekday(day)))
      for (const opensAtMs of openingsOfDay(recurrence, timeZone, day, fromMs, wanted + 1)) found.add(opensAtMs);
    if (found.size > wanted) spillLeft -= 1;
  }
  const opensAt = [...found].sort((a, b) => a - b);
  return opensAt.slice(0, wanted).map((opensAtMs, index) => {
    const nextMs = opensAt[index + 1] ?? Number.POSITIVE_INFINITY;
    return { opensAtMs, closesAtMs: Math.min(opensAtMs + recurrence.openForSeconds * 1_000, nextMs) };
  });
}

/**
 * The openings of the window that starts on the local day, from `fromMs` on and before the recurrence ends, in no order. At
 * least the first `wanted` of them.
 */
function openingsOfDay(
  recurrence: Recurrence,
  timeZone: string,
  day: number,
  fromMs: number,
  wanted: number,
): number[] {
  const { everySeconds, openForSeconds, dailyFrom = 0, endsAtMs = Number.POSITIVE_INFINITY } = recurrence;
  const everyMs = everySeconds * 1_000;
  const fromLocal = day * DAY_MS + dailyFrom * MINUTE_MS;
  const untilLocal = fromLocal + windowMinutes(recurrence) * MINUTE_MS;
  const clock = LocalClock.of(timeZone, fromLocal, untilLocal);
  const firstStep = Math.max(0, Math.ceil((clock.earliestLocalOf(fromMs) - fromLocal) / everyMs));
  const lastLocal = untilLocal - openForSeconds * 1_000;
  const openings: number[] = [];
  for (let local = fromLocal + firstStep * everyMs; local <= lastLocal; local += everyMs) {
    const opensAtMs = clock.instantOf(local);
    if (opensAtMs >= fromMs && opensAtMs < endsAtMs) openings.push(opensAtMs);
    // Later local times are later instants, unless clocks change.
    if (clock.isSteady && (openings.length >= wanted || opensAtMs >= endsAtMs)) break;
  }
  return openings;
}

function windowMinutes(recurrence: Recurrence): number {
  const from = recurrence.dailyFrom ?? 0;
  const until = recurrence.dailyUntil ?? 1_440;
  return until > from ? until - from : until + 1_440 - from;
}
