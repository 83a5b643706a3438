// Output of the tools for people: tables, bold and colour where the terminal has them, and a progress line.
import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';

/** Formats texts, or returns them unchanged. */
export type Paint = Pick<ReturnType<typeof createColors>, 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'>;

/** The formats of a stream; plain text unless it is a terminal without NO_COLOR. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  return createColors(stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === '');
}

/** 20000 → `20,000`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `1 bottle`, `2 bottles`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Milliseconds as readable text: `0.8 ms`, `37 ms`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** The width of a text in columns: colours take none, Chinese characters two. */
export function width(text: string): number {
  let columns = 0;
  for (const char of stripVTControlCharacters(text))
    columns += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(char) ? 2 : 1;
  return columns;
}

/** Rows in aligned columns. The columns in `right` are aligned to the right. */
export function table(
  rows: readonly (readonly string[])[],
  options: { right?: readonly number[]; indent?: string } = {},
): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_none, at) =>
    Math.max(0, ...rows.map((row) => width(row[at] ?? ''))),
  );
  const cell = (text: string, at: number): string => {
    const space = ' '.repeat((widths[at] ?? 0) - width(text));
    return options.right?.includes(at) === true ? space + text : text + space;
  };
  return rows.map((row) => `${options.indent ?? '  '}${row.map(cell).join('   ').trimEnd()}\n`).join('');
}

const PLAIN_LINE_EVERY_MS = 2_000;

/** Progress on stderr: one changing line on a terminal, otherwise a plain line every two seconds. */
export class LiveLine {
  private shown = false;
  private lastPlainMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  /** Replaces the progress line. */
  update(text: string): void {
    if (this.stream.isTTY) {
      this.stream.write(`\r\u001b[2K${clip(text, (this.stream.columns ?? 80) - 1)}`);
      this.shown = true;
      return;
    }
    const now = performance.now();
    if (now - this.lastPlainMs < PLAIN_LINE_EVERY_MS) return;
    this.lastPlainMs = now;
    this.stream.write(`${text}\n`);
  }

  /** Writes a permanent line. */
  note(text: string): void {
    this.clear();
    this.stream.write(`${text}\n`);
  }

  /** Removes the progress line. */
  clear(): void {
    if (this.shown) this.stream.write('\r\u001b[2K');
    this.shown = false;
  }
}

function clip(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  return `${stripVTControlCharacters(text).slice(0, Math.max(0, columns - 1))}…`;
}
