// Goal: for any text of a seller and any query of a buyer, a text is found by its own parts and nothing can break out of the
// literals. Method: random mixes of Chinese, Latin, digits and punctuation.
import fc from 'fast-check';
import { documentTerms, searchQuery, searchVector } from './search-text';

const mixed = fc.string({ unit: fc.constantFrom(..."茅台酒飞天iPhoneX é17 -'\\&|!:*（）𠮷🍺🏽🇨🇳"), maxLength: 40 });

describe('search text', () => {
  it('a document has the term of each of its ideographs and neighbours', () => {
    fc.assert(
      fc.property(mixed, fc.nat(), (text, at) => {
        const chars = [...text].filter((char) => '茅台酒飞天𠮷'.includes(char));
        if (chars.length === 0) return;
        expect(documentTerms(text)).toContain(chars[at % chars.length]);
      }),
    );
  });

  it('every condition of a query for the text itself is met by the document', () => {
    fc.assert(
      fc.property(mixed, (text) => {
        const terms = new Set(documentTerms(text));
        for (const [, term] of (searchQuery(text) ?? '').matchAll(/'([^']*)'/g)) expect(terms).toContain(term);
      }),
    );
  });

  it('literals hold letters, digits and emoji inside their quotes and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const vector = searchVector([{ weight: 'A', text }]);
        expect(vector).toMatch(
          /^('[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}#*\u20e3]+':[0-9A-D,]+( |$))*$/u,
        );
        expect(searchQuery(text) ?? '').toMatch(
          /^('[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}#*\u20e3]+'|[ &|()]|:\*)*$/u,
        );
      }),
    );
  });
});
