import { DOCUMENT_TERMS_MAX, TERM_LENGTH_MAX, documentTerms, searchQuery, searchVector } from './search-text';

describe('documentTerms', () => {
  it.each([
    ['茅台酒', ['茅', '台', '酒', '茅台', '台酒']],
    ['飞天 53度', ['飞', '天', '飞天', '53', '度']],
    ['iPhone17 Pro', ['iphone17', 'iphone', '17', 'pro']],
    ['Ｃａｆé', ['cafe']],
    ['ハンド', ['ハ', 'ン', 'ド', 'ハン', 'ンド']],
    ['ラーメン', ['ラ', 'ー', 'メ', 'ン', 'ラー', 'ーメ', 'メン']],
    ['人々', ['人', '々', '人々']],
    ['한국', ['한', '국', '한국']],
    ['ÉCLAIR Über', ['eclair', 'uber']],
    ['17', ['17']],
    // A radical belongs to a script and is no letter.
    ['⺀', []],
    ["rock'n'roll; DROP", ['rock', 'n', 'roll', 'drop']],
    ['—!?', []],
    ['啤酒🍺🍻', ['啤', '酒', '啤酒', '🍺', '🍻']],
    ['👍🏽 ❤️', ['👍', '❤']],
    ['#\ufe0f\u20e3 *\u20e3 1\ufe0f\u20e3 # *', ['#\u20e3', '*\u20e3', '1']],
    ['👨‍👩‍👧🇨🇳🇺🇸', ['👨', '👩', '👧', '🇨🇳', '🇺🇸']],
  ])('%s', (text, terms) => {
    expect(documentTerms(text)).toEqual(terms);
  });

  it('takes characters outside the basic plane as one', () => {
    expect(documentTerms('𠮷野')).toEqual(['𠮷', '野', '𠮷野']);
  });

  it('cuts long words where a query cuts them', () => {
    const cut = 'x'.repeat(TERM_LENGTH_MAX);
    expect(documentTerms(`${cut}yz`)).toEqual([cut]);
    expect(documentTerms(`${cut}y7`)).toEqual([cut, cut, '7']);
    expect(searchQuery(`${cut}yz`)).toBe(`'${cut}':*`);
    expect(searchQuery(`${cut}y7`)).toBe(`('${cut}':* | ('${cut}':* & '7':*))`);
  });
});

describe('searchVector', () => {
  it('carries positions and weights', () => {
    const vector = searchVector([
      { weight: 'A', text: '茅台' },
      { weight: 'D', text: '台' },
    ]);
    expect(vector).toBe("'茅':1A '台':2A,4D '茅台':3A");
  });

  it('is bounded', () => {
    const words = Array.from({ length: DOCUMENT_TERMS_MAX - 1 }, (_, index) => `${index}`).join(' ');
    const terms = searchVector([
      { weight: 'A', text: words },
      { weight: 'B', text: 'last late' },
      { weight: 'D', text: 'later' },
    ]).split(' ');
    expect([terms.length, terms[0], terms.at(-1)]).toEqual([DOCUMENT_TERMS_MAX, "'0':1A", "'last':4000B"]);
  });

  it('names at most the 256 positions of one term that Postgres keeps', () => {
    const vector = searchVector([{ weight: 'A', text: 'a '.repeat(300) }]);
    expect(vector.slice(0, 12)).toBe("'a':1A,2A,3A");
    expect(vector.slice(4).split(',')).toHaveLength(256);
  });
});

describe('searchQuery', () => {
  it.each([
    ['茅', "'茅'"],
    ['茅台酒', "'茅台' & '台酒'"],
    ['Iph', "'iph':*"],
    ['iphone17', "('iphone17':* | ('iphone':* & '17':*))"],
    ['茅台 500', "'茅台' & '500':*"],
    ['茅台 pro 茅台 PRO', "'茅台' & 'pro':*"],
    ['🍺', "'🍺'"],
    ['茅台🍺', "'茅台' & '🍺'"],
    ['  !!  ', undefined],
    ["' | '", undefined],
  ])('%s', (text, query) => {
    expect(searchQuery(text)).toBe(query);
  });

  it('asks for every term, however many there are', () => {
    const words = Array.from({ length: 100 }, (_, index) => `w${String.fromCodePoint(0x4e00 + index)}`).join(' ');
    expect(searchQuery(words)!.split(' & ')).toHaveLength(101);
    const parts = searchQuery('a1'.repeat(100))!.split(' | ')[1]!;
    expect(parts.split(' & ')).toHaveLength(200);
  });
});
