// `migrate`: brings the services' databases up to date. Any number of these may run at once.
import { type Environment } from '@gravity/kernel';
import { UsageError } from '../lib/arguments';
import { duration, table } from '../lib/terminal';
import { SERVICES } from '../local/start-local';

/** The services are only asked for their migrations; what else they read may have any value. */
const UNUSED = { KAFKA_BROKERS: 'unused', REDIS_URL: 'redis://unused', PAYMENTS_PROVIDER_URL: 'http://unused' };
const UNUSED_SECRETS = {
  PAYMENTS_PROVIDER_KEY: 'unused-unused-unused',
  PAYMENTS_WEBHOOK_SECRETS: `whsec_${'A'.repeat(43)}=`,
  PAYMENTS_CALLBACK_URL: 'http://unused',
};

export async function migrateCommand(words: readonly string[], env: Environment): Promise<number> {
  const names = Object.keys(SERVICES);
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0)
    throw new UsageError(`There is no service ${unknown.join(', ')}. Services: ${names.join(', ')}.`);
  const chosen = names.filter((name) => words.length === 0 || words.includes(name));
  // Only those: whoever migrates one service need not know where the databases of the others are.
  const services = chosen.map((name) => SERVICES[name]!({ ...UNUSED, ...UNUSED_SECRETS, ...env }));
  const rows: string[][] = [];
  for (const service of services) {
    const started = performance.now();
    await service.migrate();
    rows.push([service.name, 'up to date', duration(performance.now() - started)]);
  }
  process.stdout.write(table(rows, { right: [2] }));
  return 0;
}
