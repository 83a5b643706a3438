import fc from 'fast-check';
import { isoWeekday, localDayOf } from '@gravity/kernel';
import { nextOpenings, type Recurrence, recurrenceFaults, windowOfDay } from './recurrence';

const iso = (ms: number): string => new Date(ms).toISOString();
const ms = (text: string): number => Date.parse(text);
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

  it('keeps its distance through the hour that is skipped and the one that is repeated', () => {
    const hourly: Recurrence = { everySeconds: 3_600, openForSeconds: 600 };
    const spring = nextOpenings(hourly, 'Europe/Berlin', ms('2026-03-28T22:59:59Z'), 24);
    expect(spring.filter((opening) => localDayOf('Europe/Berlin', opening.opensAtMs) === 20_541)).toHaveLength(23);
    const autumn = nextOpenings(hourly, 'Europe/Berlin', ms('2026-10-24T21:59:59Z'), 26);
    const day = localDayOf('Europe/Berlin', ms('2026-10-25T12:00:00Z'));
    expect(autumn.filter((opening) => localDayOf('Europe/Berlin', opening.opensAtMs) === day)).toHaveLength(25);
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

  it('names what is wrong', () => {
    expect(recurrenceFaults({ everySeconds: 60, openForSeconds: 61 })).toMatchObject([{ field: 'openForSeconds' }]);
    expect(
      recurrenceFaults({ everySeconds: 86_400, openForSeconds: 7_200, dailyFrom: 60, dailyUntil: 120 }),
    ).toMatchObject([{ field: 'openForSeconds' }]);
    expect(recurrenceFaults({ everySeconds: 60, openForSeconds: 60, startsAtMs: 5, endsAtMs: 5 })).toMatchObject([
      { field: 'endsAt' },
    ]);
    expect(recurrenceFaults({ everySeconds: 60, openForSeconds: 60, dailyFrom: 1_320, dailyUntil: 120 })).toEqual([]);
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
    expect(windowOfDay(lunch, 'UTC', 0)).toEqual({ fromMs: 43_200_000, untilMs: 46_800_000 });
    expect(windowOfDay({ ...lunch, dailyUntil: 60 }, 'UTC', 0)).toEqual({ fromMs: 43_200_000, untilMs: 90_000_000 });
    expect(windowOfDay({ everySeconds: 60, openForSeconds: 60 }, 'UTC', 1)).toEqual({
      fromMs: 86_400_000,
      untilMs: 172_800_000,
    });
  });

  const recurrence = fc
    .record({
      everySeconds: fc.oneof(fc.integer({ min: 5, max: 86_400 }), fc.constantFrom(600, 1_800, 3_600, 7_200, 86_400)),
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
    'Australia/Lord_Howe',
  );
  // Half of the starts are within a day of a change of clocks.
  const changes = [
    '2026-03-29T01:00Z',
    '2026-10-25T01:00Z',
    '2026-03-08T07:00Z',
    '2026-11-01T06:00Z',
    '2026-04-23T22:00Z',
  ].map(ms);
  const after = fc.oneof(
    fc.integer({ min: ms('2026-01-01'), max: ms('2027-12-31') }),
    fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -86_400_000, max: 86_400_000 }))
      .map(([at, step]) => at + step),
  );

  it('holds for any recurrence, zone and instant', () => {
    fc.assert(
      fc.property(recurrence, zone, after, fc.integer({ min: 1, max: 30 }), (made, name, from, count) => {
        const openings = nextOpenings(made, name, from, count);
        expect(openings).toHaveLength(count);
        let previousClose = from + 1;
        for (const { opensAtMs, closesAtMs } of openings) {
          // Strictly increasing and never overlapping, across days and changes of clocks.
          expect(opensAtMs).toBeGreaterThanOrEqual(previousClose);
          expect(closesAtMs - opensAtMs).toBe(made.openForSeconds * 1_000);
          previousClose = closesAtMs;
          // Aligned to and inside the window of its day or, past midnight, of the day before.
          const day = localDayOf(name, opensAtMs);
          const home = [day, day - 1].find((each) => {
            const window = windowOfDay(made, name, each);
            return opensAtMs >= window.fromMs && closesAtMs <= window.untilMs;
          });
          expect(home).toBeDefined();
          expect((opensAtMs - windowOfDay(made, name, home!).fromMs) % (made.everySeconds * 1_000)).toBe(0);
          if (made.weekdays) expect(made.weekdays).toContain(isoWeekday(home!));
        }
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
