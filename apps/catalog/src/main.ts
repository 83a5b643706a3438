// Boots the catalogue alone. `main.js migrate` brings its database up to date instead, and ends.
import 'reflect-metadata';
import { bootServices } from '@gravity/http';
import { catalogService } from './catalog.service-definition';

async function main(): Promise<void> {
  const service = catalogService(process.env);
  if (process.argv[2] === 'migrate') return service.migrate();
  await bootServices([service], { env: process.env, stopOnSignals: true });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
