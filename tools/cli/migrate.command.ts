// `migrate`: migrates the databases of the services. Several runs at once are safe.
import type { Environment } from '@gravity/kernel';
import { migrateService } from '@gravity/service';
import { UsageError } from '../lib/arguments';
import { duration, table } from '../lib/terminal';
import { SERVICES } from '../../apps/services';

export async function migrateCommand(words: readonly string[], env: Environment): Promise<number> {
  const names = SERVICES.map(({ name }) => name);
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0)
    throw new UsageError(`There is no service ${unknown.join(', ')}. Services: ${names.join(', ')}.`);
  const rows: string[][] = [];
  for (const service of SERVICES.filter(({ name }) => words.length === 0 || words.includes(name))) {
    const started = performance.now();
    await migrateService(service, env);
    rows.push([service.name, 'up to date', duration(performance.now() - started)]);
  }
  process.stdout.write(table(rows, { right: [2] }));
  return 0;
}
