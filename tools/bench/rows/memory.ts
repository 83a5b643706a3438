// The memory of the orders process while a row runs.
import { residentMb } from '../cpu';
import { lineChart } from '../plot';
import type { BenchSystem } from '../system';

const SAMPLE_EVERY_MS = 1_000;

/** Samples the memory of the orders process every second until `stop`. */
export function watchMemory({ services }: BenchSystem): { stop: () => number[] } {
  const megabytes = [residentMb(services.orders.pid)];
  const timer = setInterval(() => megabytes.push(residentMb(services.orders.pid)), SAMPLE_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return megabytes;
    },
  };
}

const PLACES_MAX = 30;

/** A chart of the memory over time, with at most {@link PLACES_MAX} samples. */
export function memoryChart(title: string, megabytes: readonly number[]): string {
  const step = Math.max(1, Math.ceil(megabytes.length / PLACES_MAX));
  const samples = megabytes.map((mb, index) => ({ mb, index })).filter(({ index }) => index % step === 0);
  const places = samples.map(({ index }) => String((index * SAMPLE_EVERY_MS) / 1_000));
  return lineChart(title, { title: 'seconds', places }, 'MB', [
    { name: 'resident', values: samples.map(({ mb }) => mb) },
  ]);
}
