// `ledger verify`: the whole ledger of every service that has one, checked while it is in use.
import { parseArgs } from 'node:util';
import type { Environment } from '@gravity/kernel';
import { hasLedger, LEDGER_CHECKS, type LedgerReport, verifyLedger } from '@gravity/ledger';
import { type Database, openDatabase, serviceDatabaseUrl } from '@gravity/persistence';
import { SERVICES } from '../../apps/services';
import { UsageError } from '../lib/arguments';
import { count, LiveLine, type Paint, paintFor, plural, table } from '../lib/terminal';

/** A step of the check reads some ten thousand rows, on a busy server too. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** Status 0 when nothing contradicts itself, 1 at the first finding. */
export async function ledgerCommand(words: readonly string[], env: Environment): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { service: { type: 'string' } },
    allowPositionals: true,
  });
  if (positionals.join(' ') !== 'verify') throw new UsageError('ledger takes one word: verify.');
  const names = SERVICES.filter(({ database }) => database).map(({ name }) => name);
  if (values.service !== undefined && !names.includes(values.service))
    throw new UsageError(`There is no service ${values.service} with a database. Services: ${names.join(', ')}.`);
  const paint = paintFor(process.stdout);
  const reports: LedgerReport[] = [];
  for (const name of values.service === undefined ? names : [values.service]) {
    const report = await verifyService(name, env);
    if (report === undefined) continue;
    reports.push(report);
    process.stdout.write(render(name, report, paint));
  }
  if (reports.length === 0) process.stdout.write(`${noLedger(values.service)}\n`);
  return reports.every(({ ok }) => ok) ? 0 : 1;
}

/** Undefined for a service without a ledger. */
async function verifyService(name: string, env: Environment): Promise<LedgerReport | undefined> {
  const database: Database = openDatabase({
    url: serviceDatabaseUrl(env, name),
    applicationName: 'gravity-cli',
    poolSize: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const line = new LiveLine();
  try {
    if (!(await hasLedger(database))) return undefined;
    return await verifyLedger(
      database,
      ({ step, done, total }) => line.update(`${name}: ${step} ${count(done)} of ${count(total)}`),
      name,
    );
  } finally {
    line.clear();
    await database.close();
  }
}

function noLedger(service: string | undefined): string {
  return service === undefined ? 'No service has a ledger.' : `${service} has no ledger.`;
}

function render(name: string, report: LedgerReport, paint: Paint): string {
  const sizes = [
    plural(report.accounts, 'account'),
    plural(report.journals, 'journal'),
    plural(report.entries, 'entry', 'entries'),
    plural(report.batches, 'batch', 'batches'),
    plural(report.reservations, 'open reservation'),
  ];
  const checks = LEDGER_CHECKS.map((check) => {
    const found = report.found[check];
    return [check, found === 0 ? paint.green('holds') : paint.red(plural(found, 'finding'))];
  });
  const findings = report.findings.map(({ check, subject, detail }) => [paint.red(check), subject, detail]);
  return [
    `${paint.bold(name)}  ${sizes.join(', ')}\n`,
    table(checks),
    table(findings),
    `  digest   ${report.digest}\n`,
    report.ok ? '' : `${paint.red('The ledger contradicts itself.')} No program repairs that.\n`,
  ].join('');
}
