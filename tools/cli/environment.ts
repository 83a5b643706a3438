// The addresses of the servers: from the environment, or from the stack that runs on this machine.
import type { Environment } from '@gravity/kernel';
import { runningStack } from '@gravity/testing';

type Address = 'DATABASE_URL' | 'REDIS_URL' | 'KAFKA_BROKERS';

/** The environment, completed with the addresses of the local stack. Throws when a needed address is missing. */
export async function cliEnvironment(dataDir: string, needed: readonly Address[]): Promise<Environment> {
  const given = Object.fromEntries(
    Object.entries(process.env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const running = await runningStack(dataDir);
  const env: Environment = { ...running?.env, ...given };
  const missing = needed.filter(
    (key) => env[key] === undefined && !(key === 'DATABASE_URL' && hasServiceDatabase(env)),
  );
  if (missing.length === 0) return env;
  throw new Error(
    `No stack runs in ${dataDir}, and ${missing.join(' and ')} is not set. Start one with "npm start", or set the address.`,
  );
}

function hasServiceDatabase(env: Environment): boolean {
  return Object.keys(env).some((key) => key.endsWith('_DATABASE_URL'));
}
