// The memory of the orders process while a row runs.
import { residentMb } from '../cpu';
import { lineChart } from '../plot';
import type { BenchSystem } from '../system';

const LOOK_EVERY_MS = 1_000;

/** Memory of the orders process, looked at every second until told to stop. */
export function watchMemory({ services }: BenchSystem): { stop: () => number[] } {
  const megabytes = [residentMb(services.orders.pid)];
  const timer = setInterval(() => megabytes.push(residentMb(services.orders.pid)), LOOK_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return megabytes;
    },
  };
}

const PLACES_MAX = 30;

/** Memory over time, thinned to what a picture can hold. */
export function memoryChart(title: string, megabytes: readonly number[]): string {
  const step = Math.max(1, Math.ceil(megabytes.length / PLACES_MAX));
  const looks = megabytes.map((mb, index) => ({ mb, index })).filter(({ index }) => index % step === 0);
  const places = looks.map(({ index }) => String((index * LOOK_EVERY_MS) / 1_000));
  return lineChart(title, { title: 'seconds', places }, 'MB', [
    { name: 'resident', values: looks.map(({ mb }) => mb) },
  ]);
}
