// Boots the catalogue alone. `main.js migrate` brings its database up to date instead, and ends.
import 'reflect-metadata';
import { bootServices } from '@gravity/http';
import { catalogService } from './catalog.service-definition';

const service = catalogService(process.env);
const started =
  process.argv[2] === 'migrate' ? service.migrate() : bootServices([service], { env: process.env, stopOnSignals: true });

started.catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
