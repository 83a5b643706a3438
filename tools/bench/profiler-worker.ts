// Loaded into every service of the bench before its own code (`--require`). Writes a CPU profile on request.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

const SAMPLE_EVERY_US = 1_000;

export type ProfileOrder = { readonly profile: 'start' } | { readonly profile: 'stop'; readonly file: string };

const session = new Session();

process.on('message', (order: ProfileOrder) => {
  if (order.profile === 'start') void start();
  else if (order.profile === 'stop') void stop(order.file);
});

async function start(): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
  await session.post('Profiler.start');
}

async function stop(file: string): Promise<void> {
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  await writeFile(file, JSON.stringify(profile));
  process.send!({ profiled: file });
}
