// The main program of every service.
import type { Environment } from '@gravity/kernel';
import { migrate, serviceDatabaseUrl } from '@gravity/persistence';
import { bootServices } from './boot';
import type { ServiceDeclaration } from './declaration';

/**
 * Boots the service alone, or brings its database up to date when the first argument is `migrate`. Ends the process with
 * one line and exit code 1 when that fails.
 */
export function runService(declaration: ServiceDeclaration): void {
  const { env, argv } = process;
  const work =
    argv[2] === 'migrate'
      ? migrateService(declaration, env)
      : bootServices([declaration], { env, stopOnSignals: true });
  work.catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}

/**
 * Brings the service's database up to date; idempotent and locked, so any number of processes may call it at once. Reads
 * the database's address and nothing else. Throws ConfigurationError.
 */
export async function migrateService(declaration: ServiceDeclaration, env: Environment): Promise<void> {
  const { name, database, migrations } = declaration;
  if (!database) return;
  await migrate({ url: serviceDatabaseUrl(env, name), service: name, migrations });
}
