// A thread that runs ranges of seeds one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { MUTATIONS, type MutationName } from './mutations';
import type { Range } from './ranges';
import { runSchedules } from './schedule';

const name = workerData as MutationName | undefined;
const mutation = name === undefined ? undefined : MUTATIONS[name];

parentPort!.on('message', ({ seed, schedules }: Range) => {
  void runSchedules(seed, schedules, mutation).then((batch) => parentPort!.postMessage(batch));
});
