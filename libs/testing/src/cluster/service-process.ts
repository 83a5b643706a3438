// A service of the build as a real process that a spec can kill, freeze, stop in order and start again on its port.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../engines/paths';
import { freePort } from '../engines/ports';
import { mustRun, ServerProcess } from '../engines/process';
import { eventually } from '../eventually';

const START_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 40_000;
const BUILD_WITHIN_MS = 180_000;
const PROBE_WITHIN_MS = 2_000;

/** What {@link ServiceProcess.start} needs. */
export interface ServiceProcessOptions {
  /** Names the process in errors and its log file: `orders-1`. */
  readonly name: string;
  /** Path of the script inside the build, for instance `apps/orders/src/main.js`. */
  readonly script: string;
  /** The whole environment of the process, without HTTP_PORT. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder for the log. */
  readonly folder: string;
  /** A free port unless given. */
  readonly port?: number;
  /** The folder above the build; this project's unless given. */
  readonly root?: string;
}

/** What a process says about itself at `/health/ready`. */
export interface Readiness {
  readonly httpStatus: number;
  readonly status: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
}

let build: Promise<unknown> | undefined;

/** Compiles what has changed since the last build, once per process. */
export function buildServices(): Promise<unknown> {
  const root = projectRoot();
  build ??= mustRun(process.execPath, [join(root, 'tools', 'build.mjs')], { cwd: root, timeoutMs: BUILD_WITHIN_MS });
  return build;
}

/** One operating-system process of a service. It listens on the same port through all its lives. */
export class ServiceProcess {
  readonly url: string;
  private readonly server: ServerProcess;
  private readonly logFile: string;

  private constructor(
    readonly name: string,
    options: ServiceProcessOptions,
    port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.logFile = join(options.folder, `${name}.log`);
    this.server = new ServerProcess({
      title: name,
      command: process.execPath,
      args: ['--enable-source-maps', join(options.root ?? projectRoot(), 'dist', options.script)],
      env: { PATH: process.env['PATH'], ...options.env, HTTP_PORT: String(port) },
      cwd: options.folder,
      logFile: this.logFile,
      stopSignal: 'SIGTERM',
      stopWithinMs: STOP_WITHIN_MS,
      readyWithinMs: START_WITHIN_MS,
      probe: () => this.probe(),
    });
  }

  /** Starts the process and resolves when it answers on its port. It may be unready: ask {@link ready}. */
  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    if (options.root === undefined) await buildServices();
    const service = new ServiceProcess(options.name, options, options.port ?? (await freePort()));
    await service.server.start();
    return service;
  }

  get pid(): number | undefined {
    return this.server.pid;
  }

  /** Sends the signal (SIGKILL unless told otherwise) and resolves when the process is gone. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.server.kill(signal);
  }

  /** Starts it again on the same port; the log goes on. */
  start(): Promise<void> {
    return this.server.start();
  }

  /** Freezes the process: its connections stay open and nothing answers. */
  pause(): void {
    this.server.pause();
  }

  /** Lets a paused process go on where it stood. */
  resume(): void {
    this.server.resume();
  }

  /** An orderly stop. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  /** Resolves once the process says that it is ready, degraded or not. */
  async ready(withinMs = 60_000): Promise<void> {
    await eventually(
      async () => {
        const { httpStatus, status, checks } = await this.readiness();
        if (httpStatus === 200) return;
        throw new Error(`${this.name} is ${status}: ${JSON.stringify(checks.filter((check) => !check.ok))}`);
      },
      { withinMs },
    );
  }

  /** What `/health/ready` answers now. */
  async readiness(): Promise<Readiness> {
    const response = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(PROBE_WITHIN_MS * 5) });
    const body = (await response.json()) as Partial<Readiness> & { readonly state?: string };
    return { httpStatus: response.status, status: body.state ?? body.status ?? '?', checks: body.checks ?? [] };
  }

  /** The sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    if (lines.length === 0) throw new Error(`${this.name} has no metric ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Everything the process has written since its first start. */
  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  private async probe(): Promise<void> {
    const response = await fetch(`${this.url}/health/live`, { signal: AbortSignal.timeout(PROBE_WITHIN_MS) });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${response.status}`);
  }
}
