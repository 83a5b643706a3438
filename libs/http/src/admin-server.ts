// Metrics and probes on a separate port, for deployments whose public port must not show metrics.
import { createServer, type Server } from 'node:http';
import { renderMetrics } from '@gravity/observability';
import type { HealthRegistry } from './health-registry';

/** Listens on the given port until closed. */
export async function startAdminServer(host: string, port: number, health: HealthRegistry): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', health).then(
      ({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return server;
}

async function answer(
  url: string,
  health: HealthRegistry,
): Promise<{ status: number; contentType: string; body: string }> {
  const json = (status: number, body: object) => ({
    status,
    contentType: 'application/json',
    body: JSON.stringify(body),
  });
  if (url === '/metrics') return { status: 200, ...(await renderMetrics()) };
  if (url === '/health/live') return json(200, { status: 'alive' });
  if (url === '/health/startup')
    return json(health.started ? 200 : 503, { status: health.started ? 'started' : 'starting' });
  if (url === '/health/ready') {
    const report = await health.report();
    return json(report.status === 'ready' || report.status === 'degraded' ? 200 : 503, report);
  }
  return json(404, { status: 'not found' });
}
