// CPU profiles of one row, by the profilers inside the services (profiler-worker.ts).
import { join } from 'node:path';
import type { ProfileOrder } from './profiler-worker';
import { nextMessage, type RunningService } from './services';

export interface RowProfile {
  start(): void;
  stop(): void;
  /** Resolves when the files are written. */
  readonly written: Promise<void>;
}

/** Writes `<service>-<row>.cpuprofile` for each service to the folder. Without a folder it does nothing. */
export function profileRow(folder: string | undefined, row: string, services: readonly RunningService[]): RowProfile {
  if (folder === undefined) {
    return { start: () => undefined, stop: () => undefined, written: Promise.resolve() };
  }
  const send = (order: (service: RunningService) => ProfileOrder): void => {
    for (const service of services) service.child.send(order(service));
  };
  const written = Promise.all(services.map((service) => nextMessage(service, 'profiled'))).then(() => undefined);
  return {
    start: () => send(() => ({ profile: 'start' })),
    stop: () => send(({ name }) => ({ profile: 'stop', file: join(folder, `${name}-${row}.cpuprofile`) })),
    written,
  };
}
