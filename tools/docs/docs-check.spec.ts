// Goal: the check of the documents finds every kind of fault and accepts correct documents. Method: a small project in a
// temporary folder with one fault of each kind.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesBelow, linkFaults } from './documents';
import { saysMoreThan, undocumented } from './docstrings';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gravity-docs-'));
  await mkdir(join(root, 'docs'));
});

afterAll(() => rm(root, { recursive: true }));

describe('links', () => {
  it('are followed to files, headings and definitions', async () => {
    await writeFile(join(root, 'docs', 'a.md'), '# One `two`, three\n\n# Twice\n\n# Twice\n\n<a id="here"></a>\n');
    await writeFile(
      join(root, 'README.md'),
      [
        '[good](docs/a.md) [folder](docs) [heading](docs/a.md#one-two-three) [second](docs/a.md#twice-1)',
        '[named](docs/a.md#here) [self](#broken) [out](https://example.com/x) [defined][d] `[code](none.md)`',
        '# Broken',
        '[gone](docs/b.md) [no heading](docs/a.md#four) [above](../x.md) [undefined][u] [third](docs/a.md#twice-2)',
        '```\n[fenced](none.md)\n```',
        '[d]: docs/a.md',
      ].join('\n\n'),
    );
    expect(linkFaults(root, filesBelow(root, '.', '.md'))).toEqual([
      'README.md: docs/b.md does not exist',
      'README.md: docs/a.md#four has no such heading',
      'README.md: ../x.md is outside the project',
      'README.md: docs/a.md#twice-2 has no such heading',
      'README.md: [undefined][u] is defined nowhere',
    ]);
  });
});

describe('descriptions', () => {
  it('are required for public functions, classes and methods only', async () => {
    await writeFile(join(root, 'index.ts'), "export { Tap, type Port, arrow, open, LIMIT } from './inside';\n");
    await writeFile(
      join(root, 'inside.ts'),
      `export interface Port {
  close(): void;
}
export class Tap implements Port {
  constructor(private readonly liters: number) {}
  close(): void {}
  drip(): void {}
  get volume(): number {
    return this.liters;
  }
  get doubled(): number {
    const factor = 2;
    return this.liters * factor;
  }
  onModuleInit(): void {}
  toString(): string {
    return 'tap';
  }
  private turn(): void {}
  /** Lets water run until it is closed. */
  pour(): void {}
}
/** Opens. */
export function open(): void {}
export const arrow = (): number => 1;
export const LIMIT = 3;
export function unseen(): void {}
`,
    );
    const missing = undocumented(root, [join(root, 'index.ts')], {}).map((line) => /: (\S+) needs/.exec(line)?.[1]);
    expect(missing.sort()).toEqual(['Port.close', 'Tap', 'Tap.doubled', 'Tap.drip', 'arrow', 'open']);
  });

  it.each([
    ['newId', 'A new id.', false],
    ['newId', 'Returns the new id.', false],
    ['LocalIssuer.mint', '', false],
    ['newId', 'A new id, which sorts by time.', true],
    ['nowMs', 'Milliseconds since 1970.', true],
  ])('of %s by "%s" is enough: %p', (name, comment, enough) => {
    expect(saysMoreThan(name, comment)).toBe(enough);
  });
});
