// `npm run gravity -- <command>`: commands for operators.
import { defaultDataDir } from '@gravity/testing';
import { runTool, UsageError } from '../lib/arguments';
import { cliEnvironment } from './environment';
import { deadLettersCommand } from './dead-letters.command';
import { ledgerCommand } from './ledger.command';
import { migrateCommand } from './migrate.command';
import { reconcileCommand } from './reconcile.command';
import { topicsCommand } from './topics.command';

const USAGE = `Usage: npm run gravity -- <command> [options]

  reconcile [--round rnd_…]     compare Postgres and the gate in Redis, item by item, for one round or for all live
                                rounds, and reload the gate where it is wrong. Status 1: Postgres contradicts itself.
  dead-letters list             messages whose attempts failed, oldest first
      [--consumer orders] [--status PARKED|REPLAY|DISCARDED|REPLAYED] [--key <key>] [--full]
  dead-letters replay           handle them again, in the order of their key
      --event <id> | --key <key> | --all    [--consumer orders]
  dead-letters discard          discard them for good; the messages behind them go on
      --event <id> | --key <key> | --all    [--consumer orders]
  ledger verify                 check the ledger of every service that has one: sums, balances, bounds, hash links
      [--service <name>]        Status 1: the ledger contradicts itself.
  migrate [service …]           migrate the databases of the named services, or of all
  topics                        create the missing Kafka topics, and list all

By default the commands use the stack that runs on this machine (npm start, npm run stack);
--data-dir <folder> names another data folder than .gravity.
DATABASE_URL (or ORDERS_DATABASE_URL and so on), REDIS_URL, KAFKA_BROKERS and KAFKA_TOPIC_PREFIX name other servers.
`;

type Command = (words: readonly string[], dataDir: string) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  reconcile: async (words, dataDir) =>
    reconcileCommand(words, await cliEnvironment(dataDir, ['DATABASE_URL', 'REDIS_URL'])),
  'dead-letters': async (words, dataDir) => deadLettersCommand(words, await cliEnvironment(dataDir, ['DATABASE_URL'])),
  ledger: async (words, dataDir) => ledgerCommand(words, await cliEnvironment(dataDir, ['DATABASE_URL'])),
  migrate: async (words, dataDir) => migrateCommand(words, await cliEnvironment(dataDir, ['DATABASE_URL'])),
  topics: async (words, dataDir) => topicsCommand(words, await cliEnvironment(dataDir, ['KAFKA_BROKERS'])),
};

async function main(): Promise<number> {
  const { words: all, dataDir } = takeDataDir(process.argv.slice(2));
  const [name, ...words] = all;
  if (name === undefined || name === 'help' || all.includes('--help')) {
    process.stdout.write(USAGE);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`There is no command ${name}.`);
  return command(words, dataDir);
}

/** Every command takes `--data-dir`, at any position. */
function takeDataDir(words: readonly string[]): { words: string[]; dataDir: string } {
  const at = words.indexOf('--data-dir');
  if (at === -1) return { words: [...words], dataDir: defaultDataDir() };
  const dataDir = words[at + 1];
  if (dataDir === undefined) throw new UsageError('--data-dir needs a folder.');
  return { words: words.toSpliced(at, 2), dataDir };
}

runTool(main, USAGE);
