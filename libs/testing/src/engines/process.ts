// Programs that this process starts. A server gets its own session, so that Ctrl-C in the terminal reaches this process
// alone, which then stops its servers in order. On Linux, a parent-death signal ends the servers after a `kill -9` of
// this process.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram, type UnixUser } from './paths';

const PROBE_EVERY_MS = 25;
const LOG_BYTES_MAX = 10 * 1024 * 1024;
const OUTPUT_CHARS_MAX = 1024 * 1024;
const KILL_WITHIN_MS = 5_000;
const LOG_TAIL_LINES = 12;

/** Programs that run to their end. They are killed when this process ends first. */
const errands = new Set<ChildProcess>();

/** Exit code and output of a program. `code` is -1 when it could not be started or was killed. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly user?: UnixUser | undefined;
}

/** Runs a program to its end. Never rejects: look at `code`. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? process.env,
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.user ?? {}),
    });
    errands.add(child);
    watchExit();
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout = (stdout + chunk.toString()).slice(-OUTPUT_CHARS_MAX)));
    child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-OUTPUT_CHARS_MAX)));
    child.once('error', (error) => resolve({ code: -1, stdout, stderr: `${stderr}${error.message}` }));
    child.once('close', (code) => {
      errands.delete(child);
      resolve({ code: code ?? -1, stdout, stderr });
    });
  });
}

/** As {@link run}, but anything other than exit status 0 is an error that carries the last lines of output. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const result = await run(command, args, options);
  if (result.code === 0) return result.stdout;
  throw new Error(
    `${command} ${args[0] ?? ''} failed (${result.code}):\n${tail(`${result.stdout}\n${result.stderr}`)}`,
  );
}

/** The command of one server. */
export interface ServerCommand {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly user?: UnixUser | undefined;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopWithinMs: number;
  readonly readyWithinMs: number;
  /** Rejects while the server does not answer. */
  probe(): Promise<void>;
  /** Called when the server ends without a request. */
  readonly onLost?: ((how: string) => void) | undefined;
}

const living = new Set<ServerProcess>();

/** One server process that can be started, frozen, killed and started again. */
export class ServerProcess {
  private child: ChildProcess | undefined;
  private ended: Promise<string> = Promise.resolve('not started');
  private stopping = false;
  private frozen = false;

  constructor(private readonly command: ServerCommand) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts the server and resolves when it answers. Rejects with the end of its log when it does not. */
  async start(): Promise<void> {
    if (this.child !== undefined) throw new Error(`${this.command.title} is running already.`);
    await this.spawn();
    try {
      await this.becomeReady();
    } catch (error) {
      await this.kill('SIGKILL');
      throw error;
    }
  }

  /** An orderly stop; when that takes too long, an abrupt one. */
  async stop(): Promise<void> {
    if (this.child === undefined) return;
    this.resume();
    this.signal(this.command.stopSignal);
    if (!(await this.endsWithin(this.command.stopWithinMs))) await this.kill('SIGKILL');
  }

  /** Sends a signal and resolves when the process has ended. SIGKILL follows when it does not end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child === undefined) return;
    this.signal(signal);
    if (this.frozen && signal !== 'SIGKILL') this.resume();
    if (await this.endsWithin(this.command.stopWithinMs)) return;
    this.signal('SIGKILL');
    await this.endsWithin(KILL_WITHIN_MS);
  }

  /** Freezes the process and its children: the parent first, so that it starts no new ones meanwhile. */
  pause(): void {
    if (this.pid === undefined) return;
    this.frozen = true;
    for (const pid of [this.pid, ...childrenOf(this.pid)]) send(pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.pid === undefined || !this.frozen) return;
    this.frozen = false;
    for (const pid of [...childrenOf(this.pid), this.pid]) send(pid, 'SIGCONT');
  }

  /** Kills the server; called when this process exits without having stopped it. */
  abandon(): void {
    this.resume();
    this.signal(this.command.stopSignal);
  }

  private signal(signal: NodeJS.Signals): void {
    this.stopping = true;
    if (this.pid !== undefined) send(this.pid, signal);
  }

  private async spawn(): Promise<void> {
    const { command, args, env, cwd, user, logFile, stopSignal } = this.command;
    rotate(logFile);
    const log = openSync(logFile, 'a', 0o644);
    const wrapper = await parentDeathWrapper(stopSignal);
    const [program, ...words] = [...wrapper, command, ...args];
    const child = spawn(program ?? command, words, {
      cwd,
      env: env ?? process.env,
      stdio: ['ignore', log, log],
      detached: true,
      ...(user ?? {}),
    });
    closeSync(log);
    this.child = child;
    this.stopping = false;
    this.frozen = false;
    living.add(this);
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        living.delete(this);
        this.child = undefined;
        if (!this.stopping) this.command.onLost?.(how);
        resolve(how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal === null ? `exit status ${code ?? 0}` : signal));
    });
    // A running server must not keep this process alive; the exit handler below ends it.
    child.unref();
    watchExit();
  }

  private async becomeReady(): Promise<void> {
    const deadline = performance.now() + this.command.readyWithinMs;
    const { title, logFile, readyWithinMs } = this.command;
    let last: unknown;
    const wasStopping = this.stopping;
    // During the start, the error below reports an early end.
    this.stopping = true;
    while (this.child !== undefined && performance.now() < deadline) {
      try {
        await this.command.probe();
        this.stopping = wasStopping;
        return;
      } catch (error) {
        last = error;
        await sleep(PROBE_EVERY_MS);
      }
    }
    const why =
      this.child === undefined
        ? `ended at once (${await this.ended})`
        : `did not answer within ${readyWithinMs} ms (${String(last)})`;
    throw new ServerStartError(`${title} ${why}. The end of ${logFile}:\n${tail(readLog(logFile))}`);
  }

  private async endsWithin(ms: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(ms, false, { signal: timer.signal }).catch(() => false);
    const inTime = await Promise.race([this.ended.then(() => true), late]);
    timer.abort();
    return inTime;
  }
}

/** A server did not start. The message contains the end of its log. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}

let exitWatched = false;
function watchExit(): void {
  if (exitWatched) return;
  exitWatched = true;
  process.on('exit', () => {
    living.forEach((server) => server.abandon());
    errands.forEach((child) => child.kill('SIGTERM'));
  });
}

let deathSignalWorks: Promise<boolean> | undefined;

/**
 * A prefix for commands that sends them a signal when this process ends in any way. Empty on other systems than Linux.
 */
async function parentDeathWrapper(signal: NodeJS.Signals): Promise<string[]> {
  const program = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  if (program === undefined) return [];
  deathSignalWorks ??= run(program, ['--pdeathsig', 'TERM', '/bin/true'], { timeoutMs: 5_000 }).then(
    ({ code }) => code === 0,
  );
  return (await deathSignalWorks) ? [program, '--pdeathsig', signal.replace('SIG', ''), '--'] : [];
}

/** Sends a signal. A process that has already ended is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * The start time of a process, which distinguishes it from a later one with the same number. Undefined when no such
 * process runs.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const fields = statFields(pid);
    return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
  }
  const { code, stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { timeoutMs: 5_000 });
  return code === 0 ? stdout.trim() : undefined;
}

/** Ends a process of an earlier run, unless its number belongs to another process. Waits for its end. */
export async function endOrphan(pid: number, identity: string, signal: NodeJS.Signals): Promise<void> {
  for (const [attempt, waitMs] of [
    [signal, 10_000],
    ['SIGKILL', KILL_WITHIN_MS],
  ] as const) {
    if ((await processIdentity(pid)) !== identity) return;
    send(pid, attempt);
    const deadline = performance.now() + waitMs;
    while (performance.now() < deadline && (await processIdentity(pid)) === identity) await sleep(PROBE_EVERY_MS);
  }
}

/** Fields of /proc/<pid>/stat from the third (state) on; the second may contain spaces and ends at the last bracket. */
function statFields(pid: number | string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statFields(name)?.[1] === String(pid))
    .map(Number);
}

function rotate(logFile: string): void {
  if (existsSync(logFile) && statSync(logFile).size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`);
}

function readLog(logFile: string): string {
  return existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

/** The exit status a shell expects of a process that a signal ended. */
export function exitStatusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
