// Goal: two codes that look alike have one key, and nothing invisible hides in a code.
import fc from 'fast-check';
import { CODE_LENGTH_MAX, CODE_PATTERN, codeKey, parseCode } from './code';

describe('codes', () => {
  it.each([
    ['SKU1', 'SKU1 '],
    ['SKU1', '\u3000SKU1'],
    ['Caf\u00e9', 'Cafe\u0301'],
    ['K9', '\uff2b\uff19'],
    ['ABC', 'abc'],
    ['A B', 'A\u00a0B'],
    ['\u03a3', '\u03c3'],
    ['ﬁ', 'fi'],
    ['\u212a9', 'k9'],
  ])('%j and %j are one', (one, other) => {
    expect(parseCode(one)?.key).toBe(parseCode(other)!.key);
    expect(parseCode(one)?.typed).toBe(one);
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \u3000'],
    ['zero width space', 'AB\u200bC'],
    ['zero width joiner', 'A\u200dB'],
    ['byte order mark', '\ufeffABC'],
    ['soft hyphen', 'AB\u00adC'],
    ['right-to-left override', 'A\u202eBC'],
    ['isolate', 'A\u2066B'],
    ['tag', 'A\u{e0041}'],
    ['variation selector', '☃\ufe0f'],
    ['Hangul filler', '\u3164'],
    ['Braille blank', '\u2800'],
    ['control', 'A\u0007'],
    ['line end', 'A\n'],
    ['NUL', 'A\u0000'],
    ['half a pair', 'A\ud800'],
    ['private use', '\ue000'],
    ['too much', 'x'.repeat(65)],
  ])('%s is refused', (_fault, text) => {
    expect(parseCode(text)).toBeUndefined();
  });

  it('may be as long as the API document says, also when its key is longer', () => {
    // The character that grows most.
    const key = parseCode('\ufdfa'.repeat(CODE_LENGTH_MAX))?.key;
    expect(key?.startsWith('صلى الله عليه وسلم')).toBe(true);
    // A row of a B-tree holds 2,704 bytes.
    expect(Buffer.byteLength(key!)).toBeLessThan(2_600);
    const bytes = (text: string): number => Buffer.byteLength(codeKey(text));
    let most = 0;
    for (let point = 0; point < 0x20000; point += 1) most = Math.max(most, bytes(String.fromCodePoint(point)));
    expect(most).toBe(bytes('\ufdfa'));
  });

  it.each([
    ['a', '\u0430', 'Cyrillic'],
    ['i', '\u0131', 'without a dot'],
    ['straße', 'strasse', 'a ligature of another language'],
    ['q\u0323', 'q', 'with a mark'],
  ])('%j and %j are two: another letter is another code (%s)', (one, other) => {
    expect(parseCode(one)!.key).not.toBe(parseCode(other)!.key);
  });

  it('does not depend on the locale: a dotted I is one letter everywhere', () => {
    expect(parseCode('TITLE')?.key).toBe('title');
  });

  it('a key is the key of itself, and equal under normal forms and case of one letter each', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const key = codeKey(text);
        expect(codeKey(key)).toBe(key);
        expect(codeKey(` ${text}\u3000`)).toBe(key);
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const) expect(codeKey(text.normalize(form))).toBe(key);
      }),
    );
  });

  it('the pattern of the API document takes exactly the characters that a code may hold', () => {
    const pattern = new RegExp(CODE_PATTERN, 'u');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 8 }), (text) => {
        expect(pattern.test(text)).toBe(parseCode(text) !== undefined);
      }),
      { numRuns: 2_000 },
    );
  });
});
