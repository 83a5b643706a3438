// Goal: every time that Gravity writes is read back as the same moment, and a time that does not exist is refused.
import fc from 'fast-check';
import { parseRfc3339 } from './rfc3339';

describe('RFC 3339', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(parseRfc3339(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });

  it.each([
    ['2026-11-20T12:00:00Z', '2026-11-20T12:00:00.000Z'],
    ['2026-11-20t12:00:00z', '2026-11-20T12:00:00.000Z'],
    ['2026-11-20T20:00:00+08:00', '2026-11-20T12:00:00.000Z'],
    ['2026-11-20T06:30:00.5-05:30', '2026-11-20T12:00:00.500Z'],
    ['2026-11-20T12:00:00.1239Z', '2026-11-20T12:00:00.123Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, moment) => {
    expect(parseRfc3339(text)).toBe(Date.parse(moment));
  });

  it.each([
    ...['2026-02-29T00:00:00Z', '2026-02-31T00:00:00Z', '2026-13-01T00:00:00Z', '2026-00-01T00:00:00Z'],
    ...['2026-01-00T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:60:00Z', '2026-12-31T23:59:60Z'],
    ...[
      '2026-01-01T00:00:00',
      '2026-01-01',
      '2026-01-01 00:00:00Z',
      '2026-01-01T00:00:00+24:00',
      ' 2026-01-01T00:00:00Z',
    ],
    ...['2026-01-01T00:00:00.Z', '20260101T000000Z', '-infinity', ''],
  ])('%s is refused', (text) => {
    expect(parseRfc3339(text)).toBeUndefined();
  });
});
