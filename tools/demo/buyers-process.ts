// Runs the buyers in a separate process with real sockets and its own event loop.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { BuyersMessage, BuyersProgress, BuyersResult, BuyersTask, StopBuying } from './buyers/protocol';

const PROGRAM = join(__dirname, 'buyers', 'main.js');

export interface BuyersWatch {
  readonly onProgress: (progress: BuyersProgress) => void;
  /** Resolves when everything is sold and paid. */
  readonly allSold: Promise<void>;
  readonly stop: AbortSignal;
}

/** Runs the buyers; resolves with their results. Rejects when the process ends early or is stopped. */
export function runBuyers(task: BuyersTask, watch: BuyersWatch): Promise<BuyersResult> {
  return new Promise((resolve, reject) => {
    // The stdout of the demo contains the report only.
    const child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], signal: watch.stop });
    let result: BuyersResult | undefined;
    child.on('message', (message: BuyersMessage) => {
      if (message.type === 'progress') watch.onProgress(message);
      if (message.type === 'result') result = message;
    });
    child.once('error', reject);
    child.once('exit', (status, killedBy) => {
      if (result !== undefined) resolve(result);
      else reject(new Error(`The process of the buyers ended early (${killedBy ?? `status ${status}`}).`));
    });
    child.send(task);
    const stopBuying: StopBuying = { type: 'stop' };
    void watch.allSold.then(() => child.connected && child.send(stopBuying), reject);
  });
}
