// Wall-clock time in a named time zone, as integer arithmetic: local days are counted from 1970-01-01 and every question
// has one written answer on the days when clocks change.
import { IANAZone } from 'luxon';
import { assert } from './assert';

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** True when the text names a time zone of the IANA database, for instance `Asia/Shanghai`. */
export function isTimeZone(text: string): boolean {
  return IANAZone.isValidZone(text);
}

/** The local calendar day at an instant, as the number of days since 1970-01-01. */
export function localDayOf(timeZone: string, ms: number): number {
  return Math.floor((ms + offsetMs(timeZone, ms)) / DAY_MS);
}

/** The local time of day at an instant, in milliseconds since local midnight. */
export function localTimeOf(timeZone: string, ms: number): number {
  return ms + offsetMs(timeZone, ms) - localDayOf(timeZone, ms) * DAY_MS;
}

/** Monday is 1, Sunday is 7 (ISO 8601). */
export function isoWeekday(day: number): number {
  // 1970-01-01 was a Thursday.
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

/**
 * The instant at which a clock on the wall shows the given minute of the given local day. A time that clocks show twice
 * (autumn) means its first showing; a time that clocks skip (spring) means the instant of the jump. Later local times
 * never come out earlier. `minutes` may be 1440: midnight of the day after.
 */
export function instantOf(timeZone: string, day: number, minutes: number): number {
  const local = day * DAY_MS + minutes * MINUTE_MS;
  // No zone is more than a day away from UTC or changes twice within two days.
  const before = offsetMs(timeZone, local - DAY_MS);
  const after = offsetMs(timeZone, local + DAY_MS);
  const candidates = [local - before, local - after].filter((ms) => ms + offsetMs(timeZone, ms) === local);
  if (candidates.length > 0) return Math.min(...candidates);
  return jumpBetween(timeZone, local - after, local - before);
}

/** The first millisecond after `low` with another offset than at `low`; there is one up to `high`. */
function jumpBetween(timeZone: string, low: number, high: number): number {
  const offset = offsetMs(timeZone, low);
  let [same, other] = [low, high];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetMs(timeZone, middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

function offsetMs(timeZone: string, ms: number): number {
  // Luxon keeps every zone that it has made once.
  const zone = IANAZone.create(timeZone);
  assert(zone.isValid, `${timeZone} is not a time zone`);
  return zone.offset(ms) * MINUTE_MS;
}
