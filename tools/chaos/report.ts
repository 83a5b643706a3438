// The report of a run, for people.
import { count, table } from '../lib/terminal';
import type { RunReport } from './run';

/** As text. `file` is where the schedule of a broken run lies. */
export function renderReport(report: RunReport, file: string | undefined): string {
  const rows = (counts: Readonly<Record<string, number>>): string =>
    table(
      Object.entries(counts)
        .sort(([, a], [, b]) => b - a)
        .map(([name, times]) => [name, count(times)]),
      { right: [1] },
    );
  const missed = report.missed.map((what) => `  not carried out: ${what}\n`).join('');
  const broken = report.violations.map(({ promise, what }) => `  ${promise}: ${what}\n`).join('');
  const verdict = report.ok
    ? `Every promise held: ${count(report.checked)} facts in ${report.sales} sales, with ${count(report.prices)} changes of prices.\n`
    : `BROKEN, seed ${report.seed}:\n${broken}Again:   npm run chaos -- --replay ${file}\nSmaller: npm run chaos -- --shrink ${file}\n`;
  return `Faults\n${rows(report.struck)}${missed}Buyers heard\n${rows(report.heard)}${verdict}${report.seconds} s, seed ${report.seed}\n`;
}
