import fc from 'fast-check';
import { DateTime } from 'luxon';
import { DAY_MS, instantOf, isoWeekday, localDayOf } from '@gravity/kernel';
import { nextOpenings, type Recurrence, recurrenceFaults } from './recurrence';

const iso = (ms: number): string => new Date(ms).toISOString();
const ms = (text: string): number => Date.parse(text);
/** The local time at an instant, in milliseconds since 1970-01-01 00:00 on the zone's clocks. */
const localMsOf = (zone: string, at: number): number => at + DateTime.fromMillis(at, { zone }).offset * 60_000;
const opensAt = (recurrence: Recurrence, zone: string, after: string, count: number): string[] =>
  nextOpenings(recurrence, zone, ms(after), count).map((opening) => iso(opening.opensAtMs));

describe('recurrence', () => {
  it('opens every ten minutes, aligned to the clock on the wall', () => {
    const everyTen: Recurrence = { everySeconds: 600, openForSeconds: 600 };
    expect(opensAt(everyTen, 'Asia/Shanghai', '2026-05-01T03:04:05Z', 3)).toEqual([
      '2026-05-01T03:10:00.000Z',
      '2026-05-01T03:20:00.000Z',
      '2026-05-01T03:30:00.000Z',
    ]);
  });

  it('is strictly after the instant given, and not before its start', () => {
    const recurrence: Recurrence = { everySeconds: 60, openForSeconds: 30, startsAtMs: ms('2026-05-01T00:02:00Z') };
    expect(opensAt(recurrence, 'UTC', '2026-05-01T00:02:00Z', 1)).toEqual(['2026-05-01T00:03:00.000Z']);
    expect(opensAt(recurrence, 'UTC', '2020-01-01T00:00:00Z', 1)).toEqual(['2026-05-01T00:02:00.000Z']);
  });

  it('ends', () => {
    const recurrence: Recurrence = { everySeconds: 60, openForSeconds: 60, endsAtMs: ms('2026-05-01T00:02:00Z') };
    expect(opensAt(recurrence, 'UTC', '2026-05-01T00:00:00Z', 10)).toEqual(['2026-05-01T00:01:00.000Z']);
    expect(opensAt(recurrence, 'UTC', '2027-05-01T00:00:00Z', 10)).toEqual([]);
  });

  describe('when clocks change', () => {
    const window = (dailyFrom: number, dailyUntil: number, more: Partial<Recurrence> = {}): Recurrence => ({
      everySeconds: 600,
      openForSeconds: 600,
      dailyFrom,
      dailyUntil,
      ...more,
    });
    /** As `07:10`, for openings that are all on one day of UTC. */
    const times = (recurrence: Recurrence, zone: string, from: string, until: string): string[] =>
      nextOpenings(recurrence, zone, ms(from) - 1, 1_000)
        .filter(({ opensAtMs }) => opensAtMs < ms(until))
        .map(({ opensAtMs }) => iso(opensAtMs).slice(0, 16));
    const tens = (hour: string): string[] => [0, 1, 2, 3, 4, 5].map((ten) => `${hour}:${ten}0`);

    it('moves a skipped hour forward by the gap', () => {
      const night = window(120, 180);
      expect(times(night, 'Europe/Berlin', '2027-03-27T12:00Z', '2027-03-28T12:00Z')).toEqual(tens('2027-03-28T01'));
      expect(times(night, 'Europe/Berlin', '2027-03-28T12:00Z', '2027-03-29T12:00Z')).toEqual(tens('2027-03-29T00'));
    });

    it('sells in the first of two equal hours only', () => {
      const night = window(120, 180);
      expect(times(night, 'Europe/Berlin', '2027-10-30T12:00Z', '2027-10-31T12:00Z')).toEqual(tens('2027-10-31T00'));
      expect(times(night, 'Europe/Berlin', '2027-10-31T12:00Z', '2027-11-01T12:00Z')).toEqual(tens('2027-11-01T01'));
    });

    it('opens once where a moved time meets another', () => {
      // 01:30 to 03:30: 02:00 to 02:20 meet 03:00 to 03:20; 02:30 to 02:50 become 03:30 to 03:50.
      expect(times(window(90, 210), 'Europe/Berlin', '2027-03-27T12:00Z', '2027-03-28T12:00Z')).toEqual([
        '2027-03-28T00:30',
        '2027-03-28T00:40',
        '2027-03-28T00:50',
        ...tens('2027-03-28T01'),
      ]);
      const hourly: Recurrence = { everySeconds: 3_600, openForSeconds: 3_600 };
      const hours = (from: string, until: string): number => times(hourly, 'Europe/Berlin', from, until).length;
      expect(hours('2027-03-27T23:00Z', '2027-03-28T22:00Z')).toBe(23);
      expect(hours('2027-10-30T22:00Z', '2027-10-31T23:00Z')).toBe(24);
    });

    it('closes a round when the next one opens, should the gap bring it closer', () => {
      const quarters: Recurrence = { everySeconds: 21_600, openForSeconds: 21_600 };
      const openings = nextOpenings(quarters, 'Europe/Berlin', ms('2027-03-27T22:59Z'), 4);
      expect(
        openings.map(({ opensAtMs, closesAtMs }) => [iso(opensAtMs).slice(0, 16), closesAtMs - opensAtMs]),
      ).toEqual([
        ['2027-03-27T23:00', 18_000_000],
        ['2027-03-28T04:00', 21_600_000],
        ['2027-03-28T10:00', 21_600_000],
        ['2027-03-28T16:00', 21_600_000],
      ]);
    });

    it.each([
      // Clocks go from 00:00 to 01:00.
      ['Africa/Cairo', '2027-04-29T12:00Z', '2027-04-29T22'],
      ['Asia/Beirut', '2027-03-27T12:00Z', '2027-03-27T22'],
      ['America/Santiago', '2027-09-04T12:00Z', '2027-09-05T04'],
    ])('moves the first hour of a day that begins at one o’clock: %s', (zone, from, hour) => {
      const until = iso(ms(from) + DAY_MS);
      expect(times(window(0, 60), zone, from, until)).toEqual(tens(hour));
      // A window over midnight has both its hours.
      const before = iso(ms(`${hour}:00Z`) - 3_600_000).slice(0, 13);
      expect(times(window(1_380, 60), zone, from, until)).toEqual([...tens(before), ...tens(hour)]);
    });

    it.each([
      // Clocks go from 24:00 back to 23:00.
      ['Africa/Cairo', '2027-10-28T12:00Z', '2027-10-28T20', '2027-10-28T22'],
      ['Asia/Beirut', '2027-10-30T12:00Z', '2027-10-30T20', '2027-10-30T22'],
      ['America/Santiago', '2027-04-03T12:00Z', '2027-04-04T02', '2027-04-04T04'],
    ])('sells in the first of two last hours of a day: %s', (zone, from, hour, midnight) => {
      const until = iso(ms(from) + DAY_MS);
      expect(times(window(1_380, 1_440), zone, from, until)).toEqual(tens(hour));
      expect(times(window(1_380, 60), zone, from, until)).toEqual([...tens(hour), ...tens(midnight)]);
    });

    it('moves by half an hour where clocks do', () => {
      const half = window(120, 150);
      expect(times(half, 'Australia/Lord_Howe', '2027-10-02T12:00Z', '2027-10-03T12:00Z')).toEqual([
        '2027-10-02T15:30',
        '2027-10-02T15:40',
        '2027-10-02T15:50',
      ]);
      // 01:30 to 02:00 is shown twice.
      expect(times(window(90, 120), 'Australia/Lord_Howe', '2027-04-03T12:00Z', '2027-04-04T12:00Z')).toEqual([
        '2027-04-03T14:30',
        '2027-04-03T14:40',
        '2027-04-03T14:50',
      ]);
    });

    it('moves a day that is skipped onto the next, where its openings are already', () => {
      const daily = window(600, 610);
      expect(times(daily, 'Pacific/Apia', '2011-12-28T12:00Z', '2012-01-01T12:00Z')).toEqual([
        '2011-12-28T20:00',
        '2011-12-29T20:00',
        '2011-12-30T20:00',
        '2011-12-31T20:00',
      ]);
    });

    it('goes on over the ends of months and years', () => {
      const daily = window(600, 610);
      for (const [from, days] of [
        ['2027-01-31', ['2027-01-31', '2027-02-01']],
        ['2027-02-28', ['2027-02-28', '2027-03-01']],
        ['2028-02-28', ['2028-02-28', '2028-02-29', '2028-03-01']],
        ['2027-12-31', ['2027-12-31', '2028-01-01']],
      ] as const) {
        const found = opensAt(daily, 'UTC', `${from}T00:00Z`, days.length);
        expect(found).toEqual(days.map((day) => `${day}T10:00:00.000Z`));
      }
    });

    it('counts its end by the instant, not by the clocks', () => {
      const ends = window(120, 180, { endsAtMs: ms('2027-03-28T01:30Z') });
      expect(times(ends, 'Europe/Berlin', '2027-03-27T12:00Z', '2027-03-29T12:00Z')).toEqual(
        tens('2027-03-28T01').slice(0, 3),
      );
    });
  });

  it('runs past midnight, and belongs to the day on which it starts', () => {
    const late: Recurrence = {
      everySeconds: 3_600,
      openForSeconds: 3_600,
      dailyFrom: 1_380,
      dailyUntil: 60,
      weekdays: [5],
    };
    expect(opensAt(late, 'UTC', '2026-05-01T23:30:00Z', 2)).toEqual([
      '2026-05-02T00:00:00.000Z',
      '2026-05-08T23:00:00.000Z',
    ]);
  });

  it('names its faults', () => {
    expect(recurrenceFaults({ everySeconds: 60, openForSeconds: 61 })).toMatchObject([{ field: 'openForSeconds' }]);
    expect(
      recurrenceFaults({ everySeconds: 86_400, openForSeconds: 7_200, dailyFrom: 60, dailyUntil: 120 }),
    ).toMatchObject([{ field: 'openForSeconds' }]);
    expect(recurrenceFaults({ everySeconds: 60, openForSeconds: 60, startsAtMs: 5, endsAtMs: 5 })).toMatchObject([
      { field: 'endsAt' },
    ]);
    expect(recurrenceFaults({ everySeconds: 60, openForSeconds: 60, dailyFrom: 1_320, dailyUntil: 120 })).toEqual([]);
  });

  it('has openings that Postgres and RFC 3339 can write, however late it starts', () => {
    const late: Recurrence = {
      everySeconds: 86_400,
      openForSeconds: 86_400,
      weekdays: [1],
      startsAtMs: ms('9990-01-01T00:00:00Z') - 1,
    };
    expect(recurrenceFaults(late)).toEqual([]);
    expect(opensAt(late, 'Pacific/Kiritimati', '2026-05-01T00:00:00Z', 300).at(-1)).toMatch(/^999\d-/);
  });

  it('names every fault in words, and none at the limits', () => {
    const faults = (changes: Partial<Recurrence>): string[] =>
      recurrenceFaults({ everySeconds: 60, openForSeconds: 60, ...changes }).map((of) => `${of.field} ${of.message}`);
    expect(faults({ openForSeconds: 61 })).toEqual([
      'openForSeconds must not be more than everySeconds: rounds would overlap',
    ]);
    expect(faults({ startsAtMs: 6, endsAtMs: 5 })).toEqual(['endsAt must be later than startsAt']);
    expect(faults({ dailyFrom: 60, dailyUntil: 61, everySeconds: 61, openForSeconds: 61 })).toEqual([
      'openForSeconds must fit between dailyFrom and dailyUntil',
    ]);
    expect(faults({ startsAtMs: ms('9999-12-31T23:59:59Z') })).toEqual(['startsAt must be before the year 9990']);
    expect(faults({ weekdays: [] })).toEqual(['weekdays must name at least one day']);
    expect(faults({ dailyFrom: 60, dailyUntil: 61, startsAtMs: 5, endsAtMs: 6, weekdays: [1] })).toEqual([]);
    expect([faults({ startsAtMs: 5 }), faults({ endsAtMs: 5 })]).toEqual([[], []]);
    // From an hour to the same hour is a whole day.
    expect(faults({ dailyFrom: 60, dailyUntil: 60, everySeconds: 86_400, openForSeconds: 86_400 })).toEqual([]);
  });

  it('gives at most a thousand openings, none when none is asked for', () => {
    const often: Recurrence = { everySeconds: 5, openForSeconds: 5 };
    expect(nextOpenings(often, 'UTC', 0, 5_000)).toHaveLength(1_000);
    expect(nextOpenings(often, 'UTC', 0, 0)).toEqual([]);
  });

  it('finds the one weekday of each week as often as it is asked', () => {
    const mondays: Recurrence = { everySeconds: 86_400, openForSeconds: 60, weekdays: [1] };
    const days = opensAt(mondays, 'UTC', '2026-05-05T00:00:00Z', 60);
    expect([days.length, days[0], days[59]]).toEqual([60, '2026-05-11T00:00:00.000Z', '2027-06-28T00:00:00.000Z']);
  });

  it('opens in its daily window only, as long as a round also closes in it', () => {
    const lunch: Recurrence = { everySeconds: 1_800, openForSeconds: 1_800, dailyFrom: 720, dailyUntil: 780 };
    expect(opensAt(lunch, 'UTC', '2026-05-01T00:00:00Z', 3)).toEqual([
      '2026-05-01T12:00:00.000Z',
      '2026-05-01T12:30:00.000Z',
      '2026-05-02T12:00:00.000Z',
    ]);
  });

  const recurrence = fc
    .record({
      everySeconds: fc.oneof(fc.integer({ min: 60, max: 86_400 }), fc.constantFrom(600, 1_800, 3_600, 7_200, 86_400)),
      share: fc.double({ min: 0.01, max: 1, noNaN: true }),
      dailyFrom: fc.option(fc.integer({ min: 0, max: 1_439 }), { nil: undefined }),
      dailyUntil: fc.option(fc.integer({ min: 0, max: 1_440 }), { nil: undefined }),
      weekdays: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), { nil: undefined }),
    })
    .map(({ share, ...rest }): Recurrence => ({
      ...rest,
      openForSeconds: Math.max(1, Math.floor(rest.everySeconds * share)),
    }))
    .filter((made) => recurrenceFaults(made).length === 0);
  const zone = fc.constantFrom(
    'Europe/Berlin',
    'America/New_York',
    'Asia/Shanghai',
    'Africa/Cairo',
    'America/Santiago',
    'Asia/Beirut',
    'Australia/Lord_Howe',
  );
  // Half of the starts are within a day of a change of clocks.
  const changes = [
    '2026-03-29T01:00Z',
    '2026-10-25T01:00Z',
    '2026-03-08T07:00Z',
    '2026-11-01T06:00Z',
    '2026-04-23T22:00Z',
    '2027-03-27T22:00Z',
    '2027-04-04T03:00Z',
    '2027-09-05T04:00Z',
    '2027-10-02T15:30Z',
    '2027-10-30T21:00Z',
  ].map(ms);
  const after = fc.oneof(
    fc.integer({ min: ms('2026-01-01'), max: ms('2027-12-31') }),
    fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -86_400_000, max: 86_400_000 }))
      .map(([at, step]) => at + step),
  );

  /** The local times of openings that the window of a day asks for. Minutes may be fractions. */
  const localMinutes = (made: Recurrence): number[] => {
    const from = made.dailyFrom ?? 0;
    const until = made.dailyUntil ?? 1_440;
    const last = (until > from ? until : until + 1_440) - made.openForSeconds / 60;
    const steps = Math.floor(((last - from) * 60) / made.everySeconds);
    return Array.from({ length: steps + 1 }, (_, step) => from + (step * made.everySeconds) / 60);
  };

  it('opens at the local times of the window, or moved by the gap, strictly ascending, for any zone and instant', () => {
    fc.assert(
      fc.property(recurrence, zone, after, fc.integer({ min: 1, max: 30 }), (made, name, from, count) => {
        const openings = nextOpenings(made, name, from, count);
        expect(openings).toHaveLength(count);
        const minutes = localMinutes(made);
        let previousClose = from + 1;
        for (const { opensAtMs, closesAtMs } of openings) {
          expect(opensAtMs).toBeGreaterThanOrEqual(previousClose);
          expect(closesAtMs).toBeGreaterThan(opensAtMs);
          expect(closesAtMs - opensAtMs).toBeLessThanOrEqual(made.openForSeconds * 1_000);
          previousClose = closesAtMs;
          const shown = localMsOf(name, opensAtMs);
          const homes = [-2, -1, 0].flatMap((step) => {
            const day = localDayOf(name, opensAtMs) + step;
            if (made.weekdays?.includes(isoWeekday(day)) === false) return [];
            const near = (minute: number): boolean =>
              Math.abs(shown - day * DAY_MS - minute * 60_000) <= 3_600_000 &&
              instantOf(name, day, minute) === opensAtMs;
            return minutes.filter(near).map((minute) => ({ day, minute }));
          });
          expect(homes).not.toHaveLength(0);
          // Either the clocks show the local time that was asked for, or they skip it and the opening is later by the gap.
          const gaps = homes.map(({ day, minute }) => shown - (day * DAY_MS + minute * 60_000));
          expect([0, 1_800_000, 3_600_000]).toContain(Math.min(...gaps));
        }
      }),
    );
  });

  it('leaves no local time of a window out on the days around a change of clocks', () => {
    fc.assert(
      fc.property(recurrence, zone, fc.constantFrom(...changes), (made, name, change) => {
        const first = localDayOf(name, change) - 1;
        const asked = [0, 1, 2]
          .map((step) => first + step)
          .filter((day) => made.weekdays?.includes(isoWeekday(day)) !== false)
          .flatMap((day) => localMinutes(made).map((minute) => instantOf(name, day, minute)));
        const fromMs = Math.min(...asked);
        // Only as many as can be asked for at once, and none that a window before or after has a part in.
        fc.pre(asked.length > 0 && asked.length < 900);
        const found = new Set(nextOpenings(made, name, fromMs - 1, 1_000).map(({ opensAtMs }) => opensAtMs));
        expect(asked.filter((ms) => !found.has(ms))).toEqual([]);
      }),
    );
  });

  it('misses no opening: asking in two steps gives the same as asking once', () => {
    fc.assert(
      fc.property(recurrence, zone, after, fc.integer({ min: 2, max: 40 }), (made, name, from, count) => {
        const all = nextOpenings(made, name, from, count);
        const cut = Math.floor(count / 2);
        const rest = nextOpenings(made, name, all[cut - 1]!.opensAtMs, count - cut);
        expect([...all.slice(0, cut), ...rest]).toEqual(all);
        const first = all[0]!;
        expect(nextOpenings(made, name, first.opensAtMs - 1, 1)).toEqual([first]);
      }),
    );
  });
});
