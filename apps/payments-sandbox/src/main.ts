import 'reflect-metadata';
import { bootServices } from '@gravity/http';
import { paymentsSandboxService } from './payments-sandbox.service-definition';

async function main(): Promise<void> {
  const service = paymentsSandboxService(process.env);
  if (process.argv.includes('migrate')) return service.migrate();
  await bootServices([service], { env: process.env, stopOnSignals: true });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
