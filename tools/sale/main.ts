// Creates the recurring sale of a development deployment through its public API, and ends.
import { parseArgs } from 'node:util';
import { ApiClient } from '../lib/api-client';
import { parseSeconds, parseInteger, runTool } from '../lib/arguments';
import { issuerOf, loadSecrets } from '../lib/secrets';
import { keepSaleRunning } from '../local/recurring-sale';

const USAGE = `Usage: node dist/tools/sale/main.js --url <base URL> --data-dir <folder with the secrets> [--every 10m] [--quota 100]
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      'data-dir': { type: 'string' },
      every: { type: 'string', default: '10m' },
      quota: { type: 'string', default: '100' },
    },
  });
  const { url, 'data-dir': dataDir } = values;
  if (url === undefined || dataDir === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const terms = {
    everySeconds: parseSeconds('--every', values.every),
    quota: parseInteger('--quota', values.quota, { min: 1, max: 1_000_000 }),
  };
  const issuer = await issuerOf(await loadSecrets(dataDir));
  const token = await issuer.mint({ sub: 'op_local', roles: ['operator'] });
  const { seriesId } = await keepSaleRunning(new ApiClient(url, token), dataDir, terms);
  process.stdout.write(`The sale ${seriesId} has a round every ${values.every}.\n`);
  return 0;
}

runTool(main, USAGE);
