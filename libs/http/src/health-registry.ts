// The health of this process. Modules register checks of their dependencies, and the probes read the results.
import { Injectable } from '@nestjs/common';
import { monotonicMs } from '@gravity/kernel';

const CACHE_MS = 1_000;
const CHECK_TIMEOUT_MS = 1_000;
const REASON_LENGTH_MAX = 120;

export interface HealthCheckOptions {
  /** Milliseconds until the check counts as failed. Default 1,000. */
  readonly timeoutMs?: number;
  /**
   * False for a dependency without which the service works, perhaps slower: its failure is reported and the process
   * stays ready. Default true.
   */
  readonly critical?: boolean;
}

export interface CheckReport {
  readonly name: string;
  readonly ok: boolean;
  readonly critical: boolean;
  readonly reason?: string;
}

export interface HealthReport {
  readonly status: 'ready' | 'degraded' | 'unready' | 'draining' | 'starting';
  readonly checks: readonly CheckReport[];
}

interface Check extends Required<HealthCheckOptions> {
  readonly name: string;
  readonly run: () => Promise<boolean | void>;
}

/** The readiness checks and the phase of one process: starting, running, draining, in this order. */
@Injectable()
export class HealthRegistry {
  private readonly checks = new Map<string, Check>();
  private cached: { readonly atMs: number; readonly report: HealthReport } | undefined;
  private running: Promise<HealthReport> | undefined;
  private phase: 'starting' | 'running' | 'draining' = 'starting';

  /** Adds a readiness check. False or an exception means that the dependency is unusable. Names are unique. */
  register(name: string, run: () => Promise<boolean | void>, options: HealthCheckOptions = {}): void {
    if (this.checks.has(name)) throw new Error(`health check ${name} is registered twice`);
    this.checks.set(name, {
      name,
      run,
      timeoutMs: options.timeoutMs ?? CHECK_TIMEOUT_MS,
      critical: options.critical ?? true,
    });
    this.cached = undefined;
  }

  /** True after {@link markStarted}. */
  get started(): boolean {
    return this.phase !== 'starting';
  }

  /** Marks the process as running. Without effect when it drains. */
  markStarted(): void {
    if (this.phase === 'starting') this.phase = 'running';
  }

  /** Marks the process as draining: it is not ready, independently of the checks. */
  markDraining(): void {
    this.phase = 'draining';
  }

  /** Runs all checks, at most once per second; further calls get the last report. Never rejects. */
  async report(): Promise<HealthReport> {
    if (this.phase === 'draining') return { status: 'draining', checks: [] };
    if (this.cached && monotonicMs() - this.cached.atMs < CACHE_MS) return this.cached.report;
    this.running ??= this.runAll().finally(() => (this.running = undefined));
    return this.running;
  }

  private async runAll(): Promise<HealthReport> {
    const checks = await Promise.all([...this.checks.values()].map(runCheck));
    const broken = checks.some((check) => check.critical && !check.ok);
    const degraded = checks.some((check) => !check.ok);
    const status = this.phase === 'starting' ? 'starting' : broken ? 'unready' : degraded ? 'degraded' : 'ready';
    const report: HealthReport = { status, checks };
    this.cached = { atMs: monotonicMs(), report };
    return report;
  }
}

async function runCheck(check: Check): Promise<CheckReport> {
  const { name, critical } = check;
  let timer: NodeJS.Timeout | undefined;
  try {
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${check.timeoutMs} ms`)), check.timeoutMs);
    });
    const outcome = await Promise.race([check.run(), timeout]);
    return outcome === false ? { name, critical, ok: false, reason: 'does not answer' } : { name, critical, ok: true };
  } catch (error) {
    // An error's code is safe to show; its message may contain addresses.
    const code = (error as { code?: unknown }).code;
    const reason = typeof code === 'string' ? code : error instanceof Error ? error.name : 'failed';
    return { name, critical, ok: false, reason: reason.slice(0, REASON_LENGTH_MAX) };
  } finally {
    clearTimeout(timer);
  }
}
