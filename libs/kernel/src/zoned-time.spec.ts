import fc from 'fast-check';
import { DAY_MS, instantOf, isTimeZone, isoWeekday, localDayOf, localTimeOf } from './zoned-time';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / DAY_MS;
const at = (zone: string, date: string, hours: number, minutes: number): string =>
  new Date(instantOf(zone, day(date), hours * 60 + minutes)).toISOString();

describe('zoned time', () => {
  it('knows ordinary days', () => {
    expect(at('Asia/Shanghai', '2026-03-01', 8, 0)).toBe('2026-03-01T00:00:00.000Z');
    expect(at('Europe/Berlin', '2026-07-01', 0, 0)).toBe('2026-06-30T22:00:00.000Z');
    expect(at('UTC', '2026-07-01', 24, 0)).toBe('2026-07-02T00:00:00.000Z');
  });

  it('takes a skipped time as the instant of the jump', () => {
    expect(at('Europe/Berlin', '2026-03-29', 2, 30)).toBe('2026-03-29T01:00:00.000Z');
    expect(at('Europe/Berlin', '2026-03-29', 3, 0)).toBe('2026-03-29T01:00:00.000Z');
    expect(at('America/New_York', '2026-03-08', 2, 15)).toBe('2026-03-08T07:00:00.000Z');
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

  it('tells zones from other texts', () => {
    expect(isTimeZone('Asia/Shanghai')).toBe(true);
    expect(isTimeZone('Mars/Olympus')).toBe(false);
    expect(isTimeZone('')).toBe(false);
  });

  it('never turns back, and shows the time asked for unless it is skipped', () => {
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Asia/Shanghai',
      'Africa/Cairo',
      'Australia/Lord_Howe',
    );
    const moment = fc.tuple(fc.integer({ min: 20_000, max: 21_500 }), fc.integer({ min: 0, max: 1_439 }));
    fc.assert(
      fc.property(zone, moment, fc.integer({ min: 0, max: 3_000 }), (name, [onDay, minutes], later) => {
        const first = instantOf(name, onDay, minutes);
        const total = onDay * 1_440 + minutes + later;
        expect(instantOf(name, Math.floor(total / 1_440), total % 1_440)).toBeGreaterThanOrEqual(first);
        const shown = localDayOf(name, first) * 1_440 + localTimeOf(name, first) / 60_000;
        expect(shown).toBeGreaterThanOrEqual(onDay * 1_440 + minutes);
        expect(shown).toBeLessThanOrEqual(onDay * 1_440 + minutes + 60);
      }),
    );
  });
});
