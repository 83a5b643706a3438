// Goal: every document is in plain words. Method: the words that docs/style.md bans are read from that page, and the prose of
// all documents is searched for them. Code, quotations and the page itself are left out: they name the words.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@gravity/testing';
import { filesBelow } from '../../tools/docs/documents';

const ROOT = projectRoot();
const STYLE = join('docs', 'style.md');
const FENCED = /^(```|~~~)[\s\S]*?^\1\s*$/gm;
/** Written by `npm run contracts`, or the text of a licence. */
const NOT_PROSE = new Set([STYLE]);

const documents = filesBelow(ROOT, '.', '.md').filter((path) => !NOT_PROSE.has(path));
const banned = bannedWords(textOf(STYLE));

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The quoted words of the rules of "Plain words" that say no to them. */
function bannedWords(style: string): string[] {
  const [, rules = ''] = /^## Plain words$([\s\S]*?)^\|/m.exec(style) ?? [];
  const lines = rules.split(/^- /m).filter((rule) => rule.startsWith('No '));
  return lines.flatMap((line) => [...line.matchAll(/"([a-z ]+)"/g)].map(([, word = '']) => word));
}

/** Prose alone: link texts may be titles of tests, which follow the code. */
function proseOf(text: string): string {
  return text
    .replaceAll(FENCED, '')
    .replaceAll(/`[^`\n]*`/g, 'code')
    .replaceAll(/\[[^\]\n]*\]\([^)\n]*\.ts\)/g, 'link')
    .replaceAll(/"[^"\n]*"/g, 'quotation');
}

it('the page on style names the words', () => {
  expect(banned).toEqual(expect.arrayContaining(['whoever', 'nobody', 'whom', 'somebody', 'used to', 'any more']));
});

it.each(documents)('%s', (path) => {
  const words = new RegExp(`\\b(?:${banned.join('|')})\\b`, 'gi');
  const found = proseOf(textOf(path))
    .split('\n')
    .flatMap((line) => [...line.matchAll(words)].map(([word]) => `${word}: ${line.trim().slice(0, 120)}`));
  expect(found).toEqual([]);
});

it.each(documents)('%s: no sentence begins with a relative clause', (path) => {
  const prose = proseOf(textOf(path))
    .split('\n')
    .filter((line) => !/^(?:#|\||\s*$)/.test(line))
    .join(' ');
  const sentences = prose.match(/[^.!?]+[.!?]?/g) ?? [];
  expect(sentences.map((sentence) => sentence.trim()).filter(beginsWithClause)).toEqual([]);
});

/** "What is left goes on.", but not "What is left?". */
function beginsWithClause(sentence: string): boolean {
  return /^(?:Who|Whose|What|Whatever|Whoever)\s[^:]*\.$/.test(sentence);
}
