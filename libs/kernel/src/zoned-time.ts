// Wall-clock time in a named time zone, as integer arithmetic. Local days are counted from 1970-01-01. On days when
// clocks change, each function has one stated result.
import { IANAZone } from 'luxon';
import { assert } from './assert';

export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;

/** True when the text names a time zone of the IANA database, for instance `Asia/Shanghai`. */
export function isTimeZone(text: string): boolean {
  return IANAZone.isValidZone(text);
}

/** The local calendar day at an instant, as the number of days since 1970-01-01. */
export function localDayOf(timeZone: string, ms: number): number {
  return Math.floor((ms + offsetMs(timeZone, ms)) / DAY_MS);
}

/** Monday is 1, Sunday is 7 (ISO 8601). */
export function isoWeekday(day: number): number {
  // 1970-01-01 was a Thursday.
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

/**
 * Converts the local times of an interval to instants, by the rules of RFC 5545. A local time that clocks show twice
 * (autumn) is its first showing. A local time that clocks skip (spring) moves forward by the gap: 02:30 becomes 03:30.
 * A skipped time may therefore be later than a local time behind the gap, or the same instant.
 *
 * Local times are milliseconds since 1970-01-01 00:00 on the zone's clocks.
 */
export class LocalClock {
  private constructor(
    private readonly beforeMs: number,
    private readonly afterMs: number,
    /** Local times from here on have the later offset. */
    private readonly changesAt: number,
  ) {}

  /** For local times from `fromLocal` to `untilLocal`, which are at most two days apart. */
  static of(timeZone: string, fromLocal: number, untilLocal: number): LocalClock {
    // No zone is more than a day away from UTC or changes twice within four days.
    const [low, high] = [fromLocal - DAY_MS, untilLocal + DAY_MS];
    const [before, after] = [offsetMs(timeZone, low), offsetMs(timeZone, high)];
    const changesAt = before === after ? Infinity : jumpBetween(timeZone, low, high) + Math.max(before, after);
    return new LocalClock(before, after, changesAt);
  }

  /** True when the offset does not change: later local times are then later instants, in equal steps. */
  get isSteady(): boolean {
    return this.beforeMs === this.afterMs;
  }

  /** The instant of a local time. */
  instantOf(local: number): number {
    return local - (local < this.changesAt ? this.beforeMs : this.afterMs);
  }

  /** The earliest local time that can become this instant or a later one. */
  earliestLocalOf(ms: number): number {
    return ms + Math.min(this.beforeMs, this.afterMs);
  }
}

/** The instant of the given minute of the given local day, see {@link LocalClock}. 1440: midnight of the day after. */
export function instantOf(timeZone: string, day: number, minutes: number): number {
  const local = day * DAY_MS + minutes * MINUTE_MS;
  return LocalClock.of(timeZone, local, local).instantOf(local);
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
  // Luxon caches its zones.
  const zone = IANAZone.create(timeZone);
  assert(zone.isValid, `${timeZone} is not a time zone`);
  return zone.offset(ms) * MINUTE_MS;
}
