// Runs the crowd in a process of its own, so that it is a client like any other: real sockets, its own event loop.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { CrowdBrief, CrowdProgress, CrowdResult, FromCrowd, GoHome } from './crowd/protocol';

const PROGRAM = join(__dirname, 'crowd', 'main.js');

export interface CrowdWatch {
  readonly onProgress: (progress: CrowdProgress) => void;
  /** Resolves when there is nothing left to buy or to wait for. */
  readonly allSold: Promise<void>;
  readonly stop: AbortSignal;
}

/** Sends the crowd in; resolves with what it saw. Rejects when its process ends early or is stopped. */
export function sendCrowd(brief: CrowdBrief, watch: CrowdWatch): Promise<CrowdResult> {
  return new Promise((resolve, reject) => {
    // Its stdout is ours otherwise, and stdout belongs to the report.
    const child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], signal: watch.stop });
    let result: CrowdResult | undefined;
    child.on('message', (message: FromCrowd) => {
      if (message.type === 'progress') watch.onProgress(message);
      if (message.type === 'result') result = message;
    });
    child.once('error', reject);
    child.once('exit', (status, killedBy) => {
      if (result !== undefined) resolve(result);
      else reject(new Error(`The crowd ended early (${killedBy ?? `status ${status}`}).`));
    });
    child.send(brief);
    const goHome: GoHome = { type: 'go-home' };
    void watch.allSold.then(() => child.connected && child.send(goHome), reject);
  });
}
