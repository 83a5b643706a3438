// `npm run stack`: runs Postgres, Redis and Kafka for development. `-- reset` empties the data folder, `-- env` prints the
// environment variables.
import { defaultDataDir, ENGINE_NAMES, ENGINE_TITLES, resetStack, runningStack, startStack } from '@gravity/testing';
import type { Stack } from '@gravity/testing';

const USAGE = `Usage: npm run stack               run the three servers until Ctrl-C
       npm run stack -- env        print the export lines of the running stack
       npm run stack -- reset      empty the data folder (refused while the stack runs)
Options: --data-dir <folder>       another data folder than .gravity
         --kafka-jit full          full Java optimization for Kafka: starts slower, runs faster\n`;

const sourceTexts = {
  given: 'address given',
  attached: 'running already',
  docker: 'container',
  machine: 'this machine',
} as const;

async function main(words: readonly string[]): Promise<number> {
  const dataDir = valueOf(words, '--data-dir') ?? defaultDataDir();
  const jit = valueOf(words, '--kafka-jit');
  const command = words[0]?.startsWith('--') === false ? words[0] : 'start';
  if (words.includes('--help') || (jit !== undefined && jit !== 'full' && jit !== 'fast-start'))
    return usage(words.includes('--help') ? 0 : 2);
  if (command === 'env') return printEnv(dataDir);
  if (command === 'reset') return reset(dataDir);
  if (command !== 'start') return usage(2);
  const startedMs = performance.now();
  const onLost = (_engine: string, how: string): void => void process.stderr.write(`${how}\n`);
  const stack = await startStack({ dataDir, onLost, ...(jit === undefined ? {} : { kafkaJit: jit }) });
  process.stdout.write(describe(stack));
  const started = ENGINE_NAMES.filter((name) => stack[name].owned);
  if (started.length === 0) {
    const why =
      stack.attachedTo === undefined
        ? 'All addresses were given'
        : `Process ${stack.attachedTo} runs this stack already`;
    process.stdout.write(`${why}; nothing was started.\n`);
    return 0;
  }
  process.stdout.write(
    `Ready in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s. Ctrl-C stops ${started.length === 1 ? 'it' : 'them'}; the data stays in ${dataDir}.\n`,
  );
  // On a signal, startStack stops the servers and ends this process.
  await new Promise<never>(() => setInterval(() => undefined, 60_000));
  return 0;
}

function describe(stack: Stack): string {
  const rows = ENGINE_NAMES.map((name) => [ENGINE_TITLES[name], stack[name].url, sourceTexts[stack[name].source]]);
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const lines = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(width(column))).join('  ')}`.trimEnd());
  return `\n${lines.join('\n')}\n\n${exportLines(stack.env)}\n`;
}

function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([key, value]) => `export ${key}='${value}'\n`)
    .join('');
}

async function printEnv(dataDir: string): Promise<number> {
  const running = await runningStack(dataDir);
  if (running === undefined) {
    process.stderr.write('The stack is not running. Start it with: npm run stack\n');
    return 1;
  }
  process.stdout.write(exportLines(running.env));
  return 0;
}

async function reset(dataDir: string): Promise<number> {
  const removed = await resetStack(dataDir);
  process.stdout.write(removed ? `Emptied ${dataDir}.\n` : `${dataDir} was empty.\n`);
  return 0;
}

function usage(status: number): number {
  (status === 0 ? process.stdout : process.stderr).write(USAGE);
  return status;
}

function valueOf(words: readonly string[], option: string): string | undefined {
  const at = words.indexOf(option);
  return at === -1 ? undefined : words[at + 1];
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
