import { MAX_DOCUMENT_TERMS, MAX_QUERY_TERMS, documentTerms, searchQuery, searchVector } from './search-text';

describe('documentTerms', () => {
  it.each([
    ['茅台酒', ['茅', '台', '酒', '茅台', '台酒']],
    ['飞天 53度', ['飞', '天', '飞天', '53', '度']],
    ['iPhone17 Pro', ['iphone17', 'iphone', '17', 'pro']],
    ['Ｃａｆé', ['cafe']],
    ['ハンドクリーム', documentTerms('ハンドクリーム')],
    ["rock'n'roll; DROP", ['rock', 'n', 'roll', 'drop']],
    ['—!?', []],
  ])('%s', (text, terms) => {
    expect(documentTerms(text)).toEqual(terms);
  });

  it('takes characters outside the basic plane as one', () => {
    expect(documentTerms('𠮷野')).toEqual(['𠮷', '野', '𠮷野']);
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
    const words = Array.from({ length: MAX_DOCUMENT_TERMS * 2 }, (_, index) => `w${index}x`).join(' ');
    expect(searchVector([{ weight: 'A', text: words }]).split(' ').length).toBeLessThanOrEqual(MAX_DOCUMENT_TERMS);
  });
});

describe('searchQuery', () => {
  it.each([
    ['茅', "'茅'"],
    ['茅台酒', "'茅台' & '台酒'"],
    ['Iph', "'iph':*"],
    ['iphone17', "('iphone17':* | ('iphone':* & '17':*))"],
    ['茅台 500', "'茅台' & '500':*"],
    ['  !!  ', undefined],
    ["' | '", undefined],
  ])('%s', (text, query) => {
    expect(searchQuery(text)).toBe(query);
  });

  it('is bounded', () => {
    const query = searchQuery(Array.from({ length: 100 }, (_, index) => `${'ab'.repeat(index + 1)}`).join(' '));
    expect(query!.split(' & ')).toHaveLength(MAX_QUERY_TERMS);
  });
});
