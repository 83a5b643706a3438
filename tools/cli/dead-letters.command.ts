// `dead-letters`: lists the dead letters of a consumer, and replays or discards them.
import { parseArgs } from 'node:util';
import type { Environment } from '@gravity/kernel';
import {
  type DeadLetterSelection,
  type DeadLetterStatus,
  discardDeadLetters,
  listDeadLetters,
  replayDeadLetters,
  type StoredDeadLetter,
} from '@gravity/messaging';
import { type Database, openDatabase, serviceDatabaseUrl } from '@gravity/persistence';
import { UsageError } from '../lib/arguments';
import { type Paint, paintFor, plural, table } from '../lib/terminal';

const STATUSES: readonly DeadLetterStatus[] = ['PARKED', 'REPLAY', 'DISCARDED', 'REPLAYED'];
const DEFAULT_CONSUMER = 'orders';
const REASON_CHARS_MAX = 80;
const PAGE_MAX = 500;
const PAGES_MAX = 20;

const OPTIONS = {
  consumer: { type: 'string', default: DEFAULT_CONSUMER },
  status: { type: 'string' },
  event: { type: 'string' },
  key: { type: 'string' },
  all: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export async function deadLettersCommand(words: readonly string[], env: Environment): Promise<number> {
  const [action, ...rest] = words;
  const { values } = parseArgs({ args: [...rest], options: OPTIONS });
  // A consumer has the name of its service, and its dead letters are in that service's database.
  const database = openDatabase({
    url: serviceDatabaseUrl(env, values.consumer),
    applicationName: 'gravity-cli',
    poolSize: 1,
  });
  try {
    switch (action) {
      case 'list':
        return await list(database, values);
      case 'replay':
        return report(
          await replayDeadLetters(database, selectionOf(values)),
          'will be handled again',
          'Only PARKED ones can be.',
        );
      case 'discard':
        return report(
          await discardDeadLetters(database, selectionOf(values)),
          'discarded',
          'Only PARKED and REPLAY ones can be.',
        );
      default:
        throw new UsageError('dead-letters needs one of: list, replay, discard.');
    }
  } finally {
    await database.close();
  }
}

async function list(database: Database, values: Values): Promise<number> {
  const status = values.status as DeadLetterStatus | undefined;
  if (status !== undefined && !STATUSES.includes(status))
    throw new UsageError(`--status is one of ${STATUSES.join(', ')}.`);
  const filter = {
    consumer: values.consumer,
    ...(status ? { status } : {}),
    ...(values.key === undefined ? {} : { key: values.key }),
  };
  const messages: StoredDeadLetter[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const last = messages.at(-1);
    const more = await listDeadLetters(database, { ...filter, ...(last ? { afterId: last.id } : {}), limit: PAGE_MAX });
    messages.push(...more);
    if (more.length < PAGE_MAX) break;
  }
  process.stdout.write(render(messages, values.full === true, paintFor(process.stdout)));
  return 0;
}

function render(messages: readonly StoredDeadLetter[], full: boolean, paint: Paint): string {
  if (messages.length === 0) return 'There are no dead letters.\n';
  if (full) return messages.map((message) => `${JSON.stringify(message)}\n`).join('');
  const head = ['event', 'status', 'since', 'type', 'key', 'tries', 'reason'].map((text) => paint.dim(text));
  const rows = messages.map((message) => [
    message.eventId,
    message.status,
    message.createdAt.toISOString(),
    message.type,
    message.key ?? '–',
    // A message that only waits behind others of its key has no attempts.
    message.attempts === 0 ? 'waits' : String(message.attempts),
    message.reason.slice(0, REASON_CHARS_MAX),
  ]);
  return `${table([head, ...rows])}${plural(messages.length, 'message')}. --full shows them whole; replay and discard take --event, --key or --all.\n`;
}

function selectionOf({ consumer, event, key, all }: Values): DeadLetterSelection {
  const chosen = [event !== undefined, key !== undefined, all === true].filter(Boolean).length;
  if (chosen !== 1) throw new UsageError('Say which messages: --event <id>, --key <key> or --all.');
  return { consumer, ...(event === undefined ? {} : { eventId: event }), ...(key === undefined ? {} : { key }) };
}

function report(marked: number, outcome: string, otherwise: string): number {
  process.stdout.write(marked === 0 ? `No such message. ${otherwise}\n` : `${plural(marked, 'message')} ${outcome}.\n`);
  return marked === 0 ? 1 : 0;
}
