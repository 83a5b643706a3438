import { createServer, type Server } from 'node:net';
import { freePort, isPortFree, preferredPort } from './ports';

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

describe('ports', () => {
  it('finds a port that can be listened on, outside the range of outgoing connections', async () => {
    const port = await freePort();
    expect(port).toBeLessThan(32_768);
    await close(await listen(port, '127.0.0.1'));
  });

  it.each(['127.0.0.1', '0.0.0.0'])('sees that a port of %s is taken, and that it is free again', async (host) => {
    const server = await listen(await freePort(), host);
    const { port } = server.address() as { port: number };
    expect(await isPortFree(port)).toBe(false);
    expect(await preferredPort(port)).not.toBe(port);
    await close(server);
    expect(await isPortFree(port)).toBe(true);
    expect(await preferredPort(port)).toBe(port);
  });
});
