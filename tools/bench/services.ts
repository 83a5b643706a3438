// Starts a service of the build as a process and waits until it listens.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

const START_WITHIN_MS = 60_000;
/** The flags of the container image. */
const NODE_FLAGS = ['--max-semi-space-size=64'];

export interface RunningService {
  readonly name: string;
  readonly pid: number;
  readonly url: URL;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** `script` is relative to the build folder. Rejects when the process ends or does not listen in time. */
export function startService(
  name: string,
  script: string,
  env: Record<string, string>,
  execArgv: readonly string[] = [],
): Promise<RunningService> {
  const file = join(__dirname, '..', '..', script);
  const child = fork(file, [], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    execArgv: [...NODE_FLAGS, ...execArgv],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} did not listen within ${START_WITHIN_MS} ms`)),
      START_WITHIN_MS,
    );
    let output = '';
    child.once('exit', (code) => reject(new Error(`${name} ended with status ${code}: ${output.slice(-2_000)}`)));
    child.stdout!.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
      for (const line of chunk.toString().split('\n'))
        if (/"level":"(warn|error|fatal)"/.test(line)) process.stderr.write(`${name}: ${line}\n`);
      const listening = output.split('\n').find((line) => line.includes('"listening"'));
      const url = listening === undefined ? null : /"url":"([^"]+)"/.exec(listening);
      if (url === null) return;
      clearTimeout(timer);
      resolve({ name, pid: child.pid!, url: new URL(url[1]!), child, stop });
    });
  });
}

/** Resolves with the given member of the next message of the service that has it. */
export function nextMessage<T>({ child }: RunningService, member: string): Promise<T> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      const value = (message as Readonly<Record<string, T | undefined>>)[member];
      if (value === undefined) return;
      child.off('message', listen);
      resolve(value);
    };
    child.on('message', listen);
  });
}

/** Reads a metric of a running service. The metric has no labels except the service. Throws when there is none. */
export async function readMetric(service: RunningService, name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', service.url))).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(name) && !candidate.startsWith('#'));
  if (line === undefined) throw new Error(`${service.name} has no metric ${name}`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}
