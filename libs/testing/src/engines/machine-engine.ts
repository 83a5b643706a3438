// A handle to a server that runs as a process of this machine.
import { ENGINE_TITLES, type EngineHandle, type EngineName } from './engine';
import { freePort, isPortFree } from './ports';
import { ServerProcess, ServerStartError, type ServerCommand } from './process';

const PORT_TRIES_MAX = 3;

export class MachineEngine implements EngineHandle {
  readonly owned = true;
  readonly source = 'machine';

  constructor(
    readonly name: EngineName,
    readonly url: string,
    protected readonly server: ServerProcess,
  ) {}

  get pid(): number | undefined {
    return this.server.pid;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.server.kill(signal);
  }

  start(): Promise<void> {
    return this.server.start();
  }

  async restart(): Promise<void> {
    await this.server.stop();
    await this.server.start();
  }

  async pause(): Promise<void> {
    this.server.pause();
  }

  async resume(): Promise<void> {
    this.server.resume();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

/**
 * Starts a server on the port, or on another one when the port is taken between the check and the start. Rejects with
 * {@link ServerStartError} for every other reason.
 */
export async function startOnPort(
  firstPort: number,
  commandFor: (port: number) => Promise<ServerCommand>,
): Promise<{ server: ServerProcess; port: number }> {
  let port = firstPort;
  for (let tries = 1; ; tries += 1) {
    const server = new ServerProcess(await commandFor(port));
    try {
      await server.start();
      return { server, port };
    } catch (error) {
      const portWasTaken = error instanceof ServerStartError && !(await isPortFree(port));
      if (!portWasTaken || tries === PORT_TRIES_MAX) throw error;
      port = await freePort();
    }
  }
}

/** Options of all engines. */
export interface EngineOptions {
  /** Folder for the data, the log and the password; made when missing. */
  readonly folder: string;
  /** The port, if it is free; else another one is taken. */
  readonly preferredPort?: number | undefined;
  /** Called when the server ends without a request. */
  readonly onLost?: ((engine: EngineName, how: string) => void) | undefined;
}

/** Adapts {@link EngineOptions.onLost} to one engine. */
export function lostBy(name: EngineName, options: EngineOptions): (how: string) => void {
  return (how) => options.onLost?.(name, `${ENGINE_TITLES[name]} ended unexpectedly: ${how}`);
}
