// A service of the build as a real process. A spec can kill, freeze, stop and restart it on its port.
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

/** Options of {@link ServiceProcess.start}. */
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

/** The answer of `/health/ready`. */
export interface Readiness {
  readonly httpStatus: number;
  readonly status: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
}

let build: Promise<unknown> | undefined;

/** Compiles the changes since the last build, once per process. */
export function buildServices(): Promise<unknown> {
  const root = projectRoot();
  build ??= mustRun(process.execPath, [join(root, 'tools', 'build.mjs')], { cwd: root, timeoutMs: BUILD_WITHIN_MS });
  return build;
}

/** One operating-system process of a service. It listens on the same port after every restart. */
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

  /** Starts the process and resolves when it answers on its port. {@link ready} waits for its readiness. */
  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    if (options.root === undefined) await buildServices();
    const service = new ServiceProcess(options.name, options, options.port ?? (await freePort()));
    await service.server.start();
    return service;
  }

  get pid(): number | undefined {
    return this.server.pid;
  }

  /** Sends the signal (default: SIGKILL) and resolves when the process has ended. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.server.kill(signal);
  }

  /** Starts it again on the same port, with the same log. */
  start(): Promise<void> {
    return this.server.start();
  }

  /** Freezes the process: its connections stay open and nothing answers. */
  pause(): void {
    this.server.pause();
  }

  /** Resumes a paused process. */
  resume(): void {
    this.server.resume();
  }

  /** An orderly stop. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  /** Resolves when the process is ready, degraded or not. */
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

  /** The current answer of `/health/ready`. */
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

  /** The whole log since the first start. */
  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  private async probe(): Promise<void> {
    const response = await fetch(`${this.url}/health/live`, { signal: AbortSignal.timeout(PROBE_WITHIN_MS) });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${response.status}`);
  }
}
