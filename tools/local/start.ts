// `npm start`: runs everything on this machine, with a recurring sale, until Ctrl-C.
import { sleep } from '@gravity/kernel';
import { defaultDataDir } from '@gravity/testing';
import { ApiClient } from '../lib/api-client';
import { runTool, SIGNAL_STATUS } from '../lib/arguments';
import { paintFor } from '../lib/terminal';
import { readOptions, USAGE } from './options';
import { keepSaleRunning } from './recurring-sale';
import { type RoundView, RoundWatch } from './round-watch';
import { type Local, startLocal } from './start-local';
import { welcome } from './welcome';

const OPERATOR_TOKEN_LIFE = '365d';
const FIRST_ROUND_WITHIN_MS = 5_000;
const FIRST_ROUND_POLL_MS = 100;

const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);
const toStdout = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const stopping = new AbortController();
  for (const signal of Object.keys(SIGNAL_STATUS)) process.on(signal, () => stopping.abort());
  const dataDir = options.dataDir ?? defaultDataDir();
  let lost = false;
  const local = await startLocal({
    dataDir,
    stack: {
      log: toStderr,
      onLost: (_engine, how) => {
        lost = true;
        toStderr(how);
      },
    },
    onProgress: toStderr,
  });
  try {
    if (!stopping.signal.aborted) await serve(local, dataDir, options, stopping.signal);
  } finally {
    toStderr('\nStopping …');
    await local.close();
    toStderr('Stopped.');
  }
  return lost ? 1 : 0;
}

async function serve(
  local: Local,
  dataDir: string,
  terms: { everySeconds: number; quota: number },
  stopping: AbortSignal,
): Promise<void> {
  const token = await local.issuer.mint({ sub: 'op_local', roles: ['operator'], expiresIn: OPERATOR_TOKEN_LIFE });
  const operator = new ApiClient(local.baseUrl, token);
  toStderr('Preparing the sale …');
  const sale = await keepSaleRunning(operator, dataDir, terms);
  const paint = paintFor(process.stdout);
  const watch = new RoundWatch(operator, sale, paint, toStdout);
  toStdout(welcome(local, await firstRound(watch, stopping), paint));
  await watch.run(stopping);
}

/** The generator creates the first rounds shortly after the series. */
async function firstRound(watch: RoundWatch, stopping: AbortSignal): Promise<RoundView | undefined> {
  const deadline = performance.now() + FIRST_ROUND_WITHIN_MS;
  let round = await watch.current();
  while (round === undefined && performance.now() < deadline && !stopping.aborted) {
    await sleep(FIRST_ROUND_POLL_MS, stopping);
    round = await watch.current();
  }
  return round;
}

runTool(main, USAGE);
