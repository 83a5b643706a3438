// The main program of every service.
import type { Environment } from '@gravity/kernel';
import { migrate, serviceDatabaseUrl } from '@gravity/persistence';
import { bootServices } from './boot';
import type { ServiceDeclaration } from './declaration';

/**
 * Boots the service alone, or migrates its database when the first argument is `migrate`. After a failure, the process
 * ends with one line and exit code 1.
 */
export function runService(declaration: ServiceDeclaration): void {
  run(declaration, process.env, process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}

async function run(declaration: ServiceDeclaration, env: Environment, args: readonly string[]): Promise<void> {
  const [command] = args;
  if (command === undefined) await bootServices([declaration], { env, stopOnSignals: true });
  else if (command === 'migrate' && args.length === 1) await migrateService(declaration, env);
  // A job with a misspelt command must not serve requests instead.
  else throw new Error(`Usage: main.js [migrate], not "${args.join(' ')}".`);
}

/**
 * Migrates the service's database. Idempotent and locked, so any number of processes may call it at once. Of the
 * configuration it reads the database's URL alone. Throws ConfigurationError.
 */
export async function migrateService(declaration: ServiceDeclaration, env: Environment): Promise<void> {
  const { name, database, migrations } = declaration;
  if (!database) return;
  await migrate({ url: serviceDatabaseUrl(env, name), service: name, migrations });
}
