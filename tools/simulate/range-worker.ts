// A thread that runs the ranges it is given, one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { PLANTS, type PlantName } from './plants';
import type { Range } from './ranges';
import { runSchedules } from './schedule';

const planted = workerData as PlantName | undefined;
const plant = planted === undefined ? undefined : PLANTS[planted];

parentPort!.on('message', ({ seed, schedules }: Range) => {
  void runSchedules(seed, schedules, plant).then((batch) => parentPort!.postMessage(batch));
});
