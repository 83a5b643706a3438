// Ports on loopback. Free ones are taken below the range of outgoing connections, so that the port of a killed server
// is still free when it starts again.
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
const LOWEST = 15_000;
const HIGHEST = 32_000;
const TRIES_MAX = 200;

/** True when this process can listen on the port of 127.0.0.1. */
export async function isPortFree(port: number): Promise<boolean> {
  return !(await answers(port)) && (await canListen(port));
}

/** A free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST} on ${LOOPBACK}.`);
}

/** The preferred port if it is free, else another. */
export async function preferredPort(preferred: number | undefined): Promise<number> {
  return preferred !== undefined && (await isPortFree(preferred)) ? preferred : freePort();
}

/** Resolves when the port accepts a connection; rejects when it does not. */
export function connectsTo(port: number, host = LOOPBACK, timeoutMs = 1_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(new Error(`No answer from ${host}:${port} within ${timeoutMs} ms.`)),
    );
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function answers(port: number): Promise<boolean> {
  return connectsTo(port).then(
    () => true,
    () => false,
  );
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
