// `npm run demo`: sells one round to many buyers and prints a report. Exit status 1 when a promise is broken.
import { runTool, SIGNAL_STATUS } from '../lib/arguments';
import { LiveLine, paintFor } from '../lib/terminal';
import { readOptions, USAGE } from './options';
import { renderReport } from './report';
import { runDemo } from './run';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const live = new LiveLine();
  const stopping = new AbortController();
  for (const [signal, status] of Object.entries(SIGNAL_STATUS)) {
    process.on(signal, () => {
      if (stopping.signal.aborted) return;
      live.note('Stopping …');
      stopping.abort(status);
    });
  }
  const done = await runDemo(options, live, stopping.signal);
  live.clear();
  if (done === undefined) return Number(stopping.signal.reason);
  const { report, background } = done;
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(renderReport(report, background, paintFor(process.stdout)));
  return report.ok ? 0 : 1;
}

runTool(main, USAGE);
