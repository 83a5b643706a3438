// `parked`: messages that a consumer could not handle, and what to do with them.
import { parseArgs } from 'node:util';
import type { Environment } from '@gravity/kernel';
import {
  discardParked,
  listParked,
  type ParkedMessage,
  type ParkedSelection,
  type ParkedStatus,
  replayParked,
} from '@gravity/messaging';
import { type Database, openDatabase, serviceDatabaseUrl } from '@gravity/persistence';
import { UsageError } from '../lib/arguments';
import { type Paint, paintFor, plural, table } from '../lib/terminal';

const STATUSES: readonly ParkedStatus[] = ['PARKED', 'REPLAY', 'DISCARDED', 'REPLAYED'];
const DEFAULT_CONSUMER = 'orders';
const REASON_CHARS = 80;
const PAGE = 500;
const MOST_PAGES = 20;

const OPTIONS = {
  consumer: { type: 'string', default: DEFAULT_CONSUMER },
  status: { type: 'string' },
  event: { type: 'string' },
  key: { type: 'string' },
  all: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export async function parkedCommand(words: readonly string[], env: Environment): Promise<number> {
  const [action, ...rest] = words;
  const { values } = parseArgs({ args: [...rest], options: OPTIONS });
  // A consumer is named after its service, and keeps its parked messages in that service's database.
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
          await replayParked(database, selectionOf(values)),
          'will be handled again',
          'Only PARKED ones can be.',
        );
      case 'discard':
        return report(
          await discardParked(database, selectionOf(values)),
          'given up',
          'Only PARKED and REPLAY ones can be.',
        );
      default:
        throw new UsageError('parked needs one of: list, replay, discard.');
    }
  } finally {
    await database.close();
  }
}

async function list(database: Database, values: Values): Promise<number> {
  const status = values.status as ParkedStatus | undefined;
  if (status !== undefined && !STATUSES.includes(status))
    throw new UsageError(`--status is one of ${STATUSES.join(', ')}.`);
  const filter = {
    consumer: values.consumer,
    ...(status ? { status } : {}),
    ...(values.key === undefined ? {} : { key: values.key }),
  };
  const messages: ParkedMessage[] = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const last = messages.at(-1);
    const more = await listParked(database, { ...filter, ...(last ? { afterId: last.id } : {}), limit: PAGE });
    messages.push(...more);
    if (more.length < PAGE) break;
  }
  process.stdout.write(render(messages, values.full === true, paintFor(process.stdout)));
  return 0;
}

function render(messages: readonly ParkedMessage[], full: boolean, paint: Paint): string {
  if (messages.length === 0) return 'Nothing is parked.\n';
  if (full) return messages.map((message) => `${JSON.stringify(message)}\n`).join('');
  const head = ['event', 'status', 'parked at', 'type', 'key', 'tries', 'reason'].map((text) => paint.dim(text));
  const rows = messages.map((message) => [
    message.eventId,
    message.status,
    message.parkedAt.toISOString(),
    message.type,
    message.key ?? '–',
    // Nobody has tried a message that only stands behind others of its key.
    message.attempts === 0 ? 'waits' : String(message.attempts),
    message.reason.slice(0, REASON_CHARS),
  ]);
  return `${table([head, ...rows])}${plural(messages.length, 'message')}. --full shows them whole; replay and discard take --event, --key or --all.\n`;
}

function selectionOf({ consumer, event, key, all }: Values): ParkedSelection {
  const chosen = [event !== undefined, key !== undefined, all === true].filter(Boolean).length;
  if (chosen !== 1) throw new UsageError('Say which messages: --event <id>, --key <key> or --all.');
  return { consumer, ...(event === undefined ? {} : { eventId: event }), ...(key === undefined ? {} : { key }) };
}

function report(marked: number, outcome: string, otherwise: string): number {
  process.stdout.write(marked === 0 ? `No such message. ${otherwise}\n` : `${plural(marked, 'message')} ${outcome}.\n`);
  return marked === 0 ? 1 : 0;
}
