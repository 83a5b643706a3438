// The documents of the project and their links. Links resolve as on GitHub: relative to the document, with anchors made from
// headings.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const EXCLUDED = new Set(['node_modules', 'dist', 'coverage', '.git', '.gravity']);
const INLINE_LINK = /\[((?:[^\][]|\[[^\][]*\])*)\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g;
/** `[name]: target`, used as `[text][name]`. */
const DEFINITION = /^\[([^\]]+)\]:\s+(\S+)/gm;
const USE = /\[([^\][]+)\]\[([^\][]*)\]/g;
const FENCED = /^(```|~~~)[\s\S]*?^\1\s*$/gm;

export interface Link {
  readonly document: string;
  readonly text: string;
  readonly target: string;
}

/** Files below a folder with the given ending, as paths relative to `root`. Built and installed files are excluded. */
export function filesBelow(root: string, folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (EXCLUDED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(root, path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}

/** The links of a document outside its code blocks. */
export function linksOf(root: string, document: string): Link[] {
  const prose = proseOf(readFileSync(join(root, document), 'utf8'));
  return [...prose.matchAll(INLINE_LINK), ...prose.matchAll(DEFINITION)].map(([, text = '', target = '']) => ({
    document,
    text,
    target,
  }));
}

/** The anchors of a document as GitHub makes them: from its headings, and from `<a id>` and `<a name>`. */
export function anchorsOf(root: string, document: string): Set<string> {
  const text = readFileSync(join(root, document), 'utf8').replaceAll(FENCED, '');
  const anchors = new Set([...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, name = '']) => name));
  const counts = new Map<string, number>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading
      .replaceAll(INLINE_LINK, '$1')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

/** True for a target with a scheme, like `https:` or `mailto:`. Such targets are not checked. */
export function isOutside(target: string): boolean {
  return /^[a-z][a-z+.-]*:/i.test(target);
}

/** One line for each relative link to a missing file, heading or definition. */
export function linkFaults(root: string, documents: readonly string[]): string[] {
  const anchors = new Map<string, Set<string>>();
  const anchorsIn = (document: string): Set<string> => {
    const known = anchors.get(document) ?? anchorsOf(root, document);
    anchors.set(document, known);
    return known;
  };
  const faultOf = ({ document, target }: Link): string[] => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : relative(root, resolve(root, dirname(document), decodeURIComponent(path)));
    if (file.startsWith('..')) return [`${document}: ${target} is outside the project`];
    if (!existsSync(join(root, file))) return [`${document}: ${target} does not exist`];
    if (anchor === undefined || statSync(join(root, file)).isDirectory() || !file.endsWith('.md')) return [];
    return anchorsIn(file).has(anchor) ? [] : [`${document}: ${target} has no such heading`];
  };
  return documents.flatMap((document) => [
    ...linksOf(root, document)
      .filter(({ target }) => !isOutside(target))
      .flatMap(faultOf),
    ...undefinedUses(root, document),
  ]);
}

/** `[text][name]` for which the document has no `[name]: target`. */
function undefinedUses(root: string, document: string): string[] {
  const prose = proseOf(readFileSync(join(root, document), 'utf8'));
  const defined = new Set([...prose.matchAll(DEFINITION)].map(([, name = '']) => name.toLowerCase()));
  return [...prose.matchAll(USE)]
    .filter(([, text = '', name = '']) => !defined.has((name === '' ? text : name).toLowerCase()))
    .map(([use]) => `${document}: ${use} is defined nowhere`);
}

function proseOf(text: string): string {
  return text.replaceAll(FENCED, '').replaceAll(/`[^`\n]*`/g, 'code');
}
