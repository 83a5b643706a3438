// Text search that does not depend on the database's locale. We cut texts into terms ourselves and hand Postgres finished
// tsvector and tsquery literals, so a one-character Chinese query works as well as an English prefix.
//
//   Han, kana, hangul   every character, and every two neighbours: 茅台酒 → 茅 台 酒 茅台 台酒
//   emoji               every one, flags by their pair: 🍺🇨🇳 → 🍺 🇨🇳
//   everything else     lower-case words without accents, and their letter and digit parts: iPhone17 → iphone17 iphone 17
//
// A query asks for the neighbours of each run (or its only character), for each emoji, and for words as prefixes.

/** How much a hit counts: titles (A) before codes and attributes (B) before descriptions (D). */
export type Weight = 'A' | 'B' | 'C' | 'D';

export interface WeightedText {
  readonly weight: Weight;
  readonly text: string;
}

/** Counts the ways in which texts are cut into terms: products with an older one are cut anew. */
export const SEARCH_FORM = 2;
/** Terms kept of one document; further ones are not found. Postgres positions end at 16,383. */
export const DOCUMENT_TERMS_MAX = 4_000;
/** Characters of one term; longer words are cut, on both sides alike. */
export const TERM_LENGTH_MAX = 64;

const IDEOGRAPH = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}々〆ー]';
const LETTER = '[\\p{L}\\p{N}]';
// Skin tones, joiners and presentation selectors part emoji and are no terms. Keycaps of digits are found by the digit.
const EMOJI = '\\p{Regional_Indicator}{2}|\\p{Extended_Pictographic}|[#*]\\ufe0f?\\u20e3';
const RUNS = new RegExp(`((?:(?=${LETTER})${IDEOGRAPH})+)|((?:(?!${IDEOGRAPH})${LETTER})+)|(${EMOJI})`, 'gu');
const LETTERS_OR_DIGITS = /\p{N}+|\p{L}+/gu;

type Run =
  | { readonly kind: 'ideographs'; readonly chars: readonly string[] }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'emoji'; readonly emoji: string };

/** The terms under which a text is found, in order of appearance, with repetitions. */
export function documentTerms(text: string): string[] {
  return runs(text).flatMap((run) => {
    switch (run.kind) {
      case 'ideographs':
        return [...run.chars, ...neighbours(run.chars)];
      case 'word':
        return [cut(run.word), ...parts(run.word).map(cut)];
      case 'emoji':
        return [run.emoji];
    }
  });
}

/** A tsvector literal of a document; `$1::tsvector` takes it as it is. */
export function searchVector(texts: readonly WeightedText[]): string {
  const positions = new Map<string, string[]>();
  let position = 0;
  for (const { weight, text } of texts) {
    for (const term of documentTerms(text)) {
      if (position >= DOCUMENT_TERMS_MAX) break;
      position += 1;
      const places = positions.get(term) ?? [];
      // Postgres keeps at most 256 positions of one term.
      if (places.length < 256) places.push(`${position}${weight}`);
      positions.set(term, places);
    }
  }
  return [...positions].map(([term, places]) => `${quote(term)}:${places.join(',')}`).join(' ');
}

/** A tsquery literal, every term required; undefined when the text holds nothing to search for. */
export function searchQuery(text: string): string | undefined {
  const conditions = runs(text).flatMap((run) => {
    switch (run.kind) {
      case 'ideographs':
        return (run.chars.length === 1 ? run.chars : neighbours(run.chars)).map(quote);
      case 'word':
        return [wordCondition(run.word)];
      case 'emoji':
        return [quote(run.emoji)];
    }
  });
  return conditions.length === 0 ? undefined : [...new Set(conditions)].join(' & ');
}

// "iphone17" also finds a document that writes "iPhone 17".
function wordCondition(word: string): string {
  const whole = `${quote(cut(word))}:*`;
  const split = parts(word);
  return split.length === 0 ? whole : `(${whole} | (${split.map((part) => `${quote(cut(part))}:*`).join(' & ')}))`;
}

function runs(text: string): Run[] {
  return [...normalise(text).matchAll(RUNS)].map(([, ideographs, word, emoji]) => {
    if (ideographs !== undefined) return { kind: 'ideographs', chars: [...ideographs] };
    return word === undefined ? { kind: 'emoji', emoji: emoji!.replace('\ufe0f', '') } : { kind: 'word', word };
  });
}

// Full-width forms become ordinary ones, case and Latin accents go.
function normalise(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC');
}

function neighbours(chars: readonly string[]): string[] {
  return chars.slice(1).map((char, index) => `${chars[index]!}${char}`);
}

// The letter and digit parts of a mixed word; none when it is not mixed.
function parts(word: string): string[] {
  const found = [...word.matchAll(LETTERS_OR_DIGITS)].map(([part]) => part);
  return found.length > 1 ? found : [];
}

function cut(term: string): string {
  return [...term].slice(0, TERM_LENGTH_MAX).join('');
}

// Terms hold letters, digits and emoji only, so quoting needs no escapes; it keeps them from being read as operators.
function quote(term: string): string {
  return `'${term}'`;
}
