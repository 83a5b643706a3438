// Makes the secrets of a development deployment (docker-compose.yml, k8s/overlays/local) and writes one environment file
// per service, which contains only the secrets of that service. Existing secrets are kept.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTool } from '../lib/arguments';
import { issuerOf, loadSecrets } from '../lib/secrets';
import { serviceEnvironments } from './service-environments';

const USAGE = `Usage: node dist/tools/secrets/main.js --data-dir <folder>

Writes <folder>/<service>.env for every service, postgres-password and secrets.json, made at the first run.
`;

const OWNER_ONLY = 0o600;
/** The database server reads it under another user. */
const EVERY_USER = 0o644;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'data-dir': { type: 'string' }, help: { type: 'boolean' } } });
  const dataDir = values['data-dir'];
  if (values.help === true || dataDir === undefined) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : 2;
  }
  await mkdir(dataDir, { recursive: true });
  const password = await databasePassword(dataDir);
  const secrets = await loadSecrets(dataDir);
  const issuer = await issuerOf(secrets);
  for (const [service, environment] of serviceEnvironments(secrets, issuer, password)) {
    // Without quotes, because `kubectl create secret --from-env-file` would keep them.
    const lines = Object.entries(environment).map(([key, value]) => `${key}=${value}\n`);
    await writeFile(join(dataDir, `${service}.env`), lines.join(''), { mode: OWNER_ONLY });
  }
  process.stdout.write(`Secrets are in ${dataDir}.\n`);
  return 0;
}

async function databasePassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres-password');
  const write = writeFile(file, randomBytes(24).toString('base64url'), { mode: EVERY_USER, flag: 'wx' });
  await write.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return readFile(file, 'utf8');
}

runTool(main, USAGE);
