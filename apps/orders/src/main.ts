// Boots the orders service alone. `main.js migrate` brings its database up to date instead, and ends.
import 'reflect-metadata';
import { bootServices } from '@gravity/http';
import { ordersService } from './orders.service-definition';

const service = ordersService(process.env);
const started =
  process.argv[2] === 'migrate'
    ? service.migrate()
    : bootServices([service], { env: process.env, stopOnSignals: true });

started.catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
