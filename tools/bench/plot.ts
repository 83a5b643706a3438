// Charts as Mermaid text, for the documentation.

export interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

/** A line chart over named x values. Every line has one value for each of them. */
export function lineChart(
  title: string,
  x: { readonly title: string; readonly places: readonly string[] },
  y: string,
  lines: readonly Line[],
): string {
  const top = Math.max(...lines.flatMap(({ values }) => values));
  return [
    'xychart-beta',
    `  title "${title}: ${lines.map(({ name }) => name).join(', ')}"`,
    `  x-axis "${x.title}" [${x.places.map((place) => `"${place}"`).join(', ')}]`,
    `  y-axis "${y}" 0 --> ${niceTop(top)}`,
    ...lines.map(({ values }) => `  line [${values.map((value) => round(value)).join(', ')}]`),
    '',
  ].join('\n');
}

/** The next greater number with one significant digit. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / unit) * unit;
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}
