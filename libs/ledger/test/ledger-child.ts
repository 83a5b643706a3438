// The spec's end of a ledger process.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildServices, projectRoot } from '@gravity/testing';
import type { LedgerCommand, LedgerResult } from '../src';
import type { JobsAnswer } from './ledger-process';

/** One operating-system process with a ledger on this database. */
export class LedgerChild {
  private readonly gone: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.gone = once(child, 'exit');
  }

  /** Starts it with a pool of so many connections. */
  static async start(url: string, poolSize = 4): Promise<LedgerChild> {
    await buildServices();
    const script = join(projectRoot(), 'dist', 'libs', 'ledger', 'test', 'ledger-process.js');
    const child = fork(script, { serialization: 'advanced' });
    child.send({ url, poolSize });
    return new LedgerChild(child);
  }

  /**
   * Runs jobs, so many at a time, transactions again after a deadlock so often. Rejects with what one of them threw, and when
   * the process dies.
   */
  async run(jobs: readonly (readonly LedgerCommand[])[], atOnce: number, retries = 0): Promise<LedgerResult[][]> {
    const answered = new Promise<JobsAnswer>((resolve) =>
      this.child.once('message', (answer) => resolve(answer as JobsAnswer)),
    );
    this.child.send({ jobs, atOnce, retries });
    const answer = await Promise.race([answered, this.gone.then(() => ({ failure: 'the process died' }))]);
    if ('failure' in answer) throw new Error(answer.failure);
    return answer.results;
  }

  /** Ends it like a power cut. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.gone;
  }
}
