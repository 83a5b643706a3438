// `npm run token`: prints an access token of the local issuer, and nothing else on stdout.
import { parseArgs } from 'node:util';
import { ROLES } from '@gravity/http';
import { defaultDataDir } from '@gravity/testing';
import { parseSeconds, runTool, UsageError } from '../lib/arguments';
import { issuerOf, loadSecrets } from '../lib/secrets';

const USAGE = `Usage: npm run -s token -- --role <role> --sub <id>

Prints an access token that the local stack accepts.

  --role <role>       ${ROLES.join(', ')}; may be given several times
  --sub <id>          the subject: b_1 for a buyer, any name for an operator, the merchant's id for a merchant
  --merchant <mer_…>  the merchant whose objects the caller may see; also the default of --sub
  --ttl <time>        its lifetime, 30s to 30d (default 1h)
  --data-dir <folder> the data folder whose issuer signs (default .gravity)

  curl -H "Authorization: Bearer $(npm run -s token -- --role buyer --sub b_1)" …
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      role: { type: 'string', multiple: true },
      sub: { type: 'string' },
      merchant: { type: 'string' },
      ttl: { type: 'string', default: '1h' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const roles = values.role ?? [];
  const unknown = roles.filter((role) => !(ROLES as readonly string[]).includes(role));
  if (roles.length === 0) throw new UsageError('Give a role: --role buyer');
  if (unknown.length > 0) throw new UsageError(`There is no role ${unknown.join(', ')}. Roles: ${ROLES.join(', ')}.`);
  const sub = values.sub ?? values.merchant;
  if (sub === undefined) throw new UsageError('Give a subject: --sub b_1');
  const issuer = await issuerOf(await loadSecrets(values['data-dir'] ?? defaultDataDir()));
  const merchant = values.merchant === undefined ? {} : { merchantId: values.merchant };
  const token = await issuer.mint({ sub, roles, expiresIn: `${parseSeconds('--ttl', values.ttl)}s`, ...merchant });
  process.stdout.write(`${token}\n`);
  return 0;
}

runTool(main, USAGE);
