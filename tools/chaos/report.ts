// The report of a run as text.
import { count, table } from '../lib/terminal';
import type { RunReport, Verdict } from './run';

/** Renders a report. `file` holds the schedule of a broken run. */
export function renderReport(report: RunReport, file: string | undefined): string {
  const rows = (counts: Readonly<Record<string, number>>): string =>
    table(
      Object.entries(counts)
        .sort(([, a], [, b]) => b - a)
        .map(([name, times]) => [name, count(times)]),
      { right: [1] },
    );
  const missed = report.missed.map((what) => `  not carried out: ${what}\n`).join('');
  const quiet = report.didNotFire.map((what) => `  did not fire, not counted: ${what}\n`).join('');
  const fired = Object.keys(report.fired).length === 0 ? '' : `Events that faults waited for\n${rows(report.fired)}`;
  const broken = report.violations.map(({ promise, what }) => `  ${promise}: ${what}\n`).join('');
  const repeat = `Repeat:  npm run chaos -- --replay ${file}\nSmaller: npm run chaos -- --shrink ${file}\n`;
  const verdicts: Readonly<Record<Verdict, string>> = {
    held: `Every promise held: ${count(report.checked)} facts in ${report.sales} sales, with ${count(report.prices)} price changes.\n`,
    broken: `BROKEN, seed ${report.seed}:\n${broken}${repeat}`,
    inconclusive: `INCONCLUSIVE, seed ${report.seed}: not at rest in time, with a load of ${report.load} per processor. The run proves nothing:\n${broken}${repeat}`,
  };
  const rest = Object.entries(report.rest)
    .filter(([what]) => what !== 'total')
    .map(([what, seconds]) => `${what} ${seconds}`);
  const calm = `At rest after ${report.rest['total']} s${rest.length === 0 ? '' : ` (${rest.join(', ')})`}, load ${report.load} per processor.\n`;
  return `Faults\n${rows(report.injected)}${missed}${quiet}${fired}Answers to buyers\n${rows(report.answers)}${calm}${verdicts[report.verdict]}${report.seconds} s, seed ${report.seed}\n`;
}
