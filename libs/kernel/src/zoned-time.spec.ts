import fc from 'fast-check';
import { DateTime } from 'luxon';
import { DAY_MS, instantOf, isTimeZone, isoWeekday, LocalClock } from './zoned-time';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / DAY_MS;
/** The local time at an instant, in milliseconds since 1970-01-01 00:00 on the zone's clocks. */
const localMsOf = (zone: string, ms: number): number => ms + DateTime.fromMillis(ms, { zone }).offset * 60_000;
const at = (zone: string, date: string, hours: number, minutes: number): string =>
  new Date(instantOf(zone, day(date), hours * 60 + minutes)).toISOString();

describe('zoned time', () => {
  it('maps ordinary days', () => {
    expect(at('Asia/Shanghai', '2026-03-01', 8, 0)).toBe('2026-03-01T00:00:00.000Z');
    expect(at('Europe/Berlin', '2026-07-01', 0, 0)).toBe('2026-06-30T22:00:00.000Z');
    expect(at('UTC', '2026-07-01', 24, 0)).toBe('2026-07-02T00:00:00.000Z');
  });

  it('moves a skipped time forward by the gap', () => {
    expect(at('Europe/Berlin', '2026-03-29', 2, 0)).toBe('2026-03-29T01:00:00.000Z');
    expect(at('Europe/Berlin', '2026-03-29', 2, 30)).toBe('2026-03-29T01:30:00.000Z');
    expect(at('Europe/Berlin', '2026-03-29', 3, 0)).toBe('2026-03-29T01:00:00.000Z');
    expect(at('America/New_York', '2026-03-08', 2, 15)).toBe('2026-03-08T07:15:00.000Z');
    expect(at('Australia/Lord_Howe', '2027-10-03', 2, 10)).toBe('2027-10-02T15:40:00.000Z');
    // Clocks in Cairo jump at midnight: the day begins at one o'clock.
    expect(at('Africa/Cairo', '2026-04-24', 0, 0)).toBe('2026-04-23T22:00:00.000Z');
  });

  it('takes a repeated time as its first showing', () => {
    expect(at('Europe/Berlin', '2026-10-25', 2, 30)).toBe('2026-10-25T00:30:00.000Z');
    expect(at('America/New_York', '2026-11-01', 1, 30)).toBe('2026-11-01T05:30:00.000Z');
  });

  it('counts weekdays from Monday', () => {
    expect(isoWeekday(day('2026-03-02'))).toBe(1);
    expect(isoWeekday(day('2026-03-01'))).toBe(7);
    expect(isoWeekday(day('1969-12-29'))).toBe(1);
  });

  it('distinguishes zones from other texts', () => {
    expect(isTimeZone('Asia/Shanghai')).toBe(true);
    expect(isTimeZone('Mars/Olympus')).toBe(false);
    expect(isTimeZone('')).toBe(false);
  });

  it('shows the time asked for, the first time it is shown, or the gap later', () => {
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Asia/Shanghai',
      'Africa/Cairo',
      'Australia/Lord_Howe',
    );
    const moment = fc.tuple(fc.integer({ min: 20_000, max: 21_500 }), fc.integer({ min: 0, max: 1_439 }));
    fc.assert(
      fc.property(zone, moment, (name, [onDay, minutes]) => {
        const ms = instantOf(name, onDay, minutes);
        const shownAt = (instant: number): number => localMsOf(name, instant) - (onDay * DAY_MS + minutes * 60_000);
        expect([0, 1_800_000, 3_600_000]).toContain(shownAt(ms));
        // Nothing sooner shows the same time, and no earlier or later instant shows a time that was skipped.
        for (const step of [1_800_000, 3_600_000]) expect(shownAt(ms - step)).not.toBe(0);
        if (shownAt(ms) > 0) expect(shownAt(ms - shownAt(ms))).not.toBe(0);
      }),
    );
  });

  it('maps an interval like each of its times, and gives its earliest local time', () => {
    for (const [zone, date] of [
      ['Europe/Berlin', '2027-03-28'],
      ['Europe/Berlin', '2027-10-31'],
      ['Asia/Shanghai', '2027-03-28'],
    ] as const) {
      const fromLocal = day(date) * DAY_MS;
      const clock = LocalClock.of(zone, fromLocal, fromLocal + DAY_MS);
      expect(clock.isSteady).toBe(zone === 'Asia/Shanghai');
      for (let minutes = 0; minutes <= 1_440; minutes += 1) {
        const local = fromLocal + minutes * 60_000;
        const ms = clock.instantOf(local);
        expect(ms).toBe(instantOf(zone, day(date), minutes));
        expect(clock.earliestLocalOf(ms)).toBeLessThanOrEqual(local);
      }
    }
  });
});
