// Goal: no release breaks a reader or a writer of an earlier one. Method: every type has a golden sample, the shape
// that was published first. Samples are never edited; the present reader must accept them, and they must have the
// present required fields.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CURRENCIES } from '@gravity/kernel';
import { Parser } from '@asyncapi/parser';
import { asyncApiDocument } from './asyncapi';
import { price } from './parts';
import { EVENTS, EVENT_TOPICS, type EventType, isEventType, readerSchema, validateEvent } from './registry';

const folder = join(__dirname, 'samples');
const types = Object.keys(EVENTS).filter(isEventType);

function sample(type: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, `${type}.json`), 'utf8')) as Record<string, unknown>;
}

describe('the event catalogue', () => {
  it('has exactly one sample per type', () => {
    const files = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
    expect(files.sort()).toEqual([...types].sort());
  });

  it.each(types)('%s: the sample fits for reader and writer', (type) => {
    expect(validateEvent(type, sample(type), 'reader')).toBeUndefined();
    expect(validateEvent(type, sample(type), 'writer')).toBeUndefined();
  });

  it.each(types)('%s: a reader accepts a member it does not know, a writer may not add one', (type) => {
    const extended = { ...sample(type), addedLater: true };
    expect(validateEvent(type, extended, 'reader')).toBeUndefined();
    expect(validateEvent(type, extended, 'writer')).toContain('additional properties');
  });

  it.each(types)('%s: every required member is in the sample', (type) => {
    expect(missingRequired(EVENTS[type].schema, sample(type), '')).toEqual([]);
  });

  it.each(types)('%s: carries its sequence and key, and is named after its topic', (type) => {
    const required: readonly string[] = EVENTS[type].schema.required;
    expect(required).toEqual(expect.arrayContaining(['sequence', EVENTS[type].key]));
    expect(type).toMatch(/^[a-z]+\.[a-z]+\.[a-z-]+\.v\d+$/);
    expect(type.startsWith(`${EVENTS[type].topic}.`)).toBe(true);
  });

  it('names the fault of a payload', () => {
    const broken: Record<string, unknown> = { ...sample('orders.order.placed.v1'), orderId: 'ord_1' };
    expect(validateEvent('orders.order.placed.v1', broken)).toMatch(/payload\/orderId must match pattern/);
    delete broken['lines'];
    expect(validateEvent('orders.order.placed.v1', broken)).toMatch(/lines/);
    expect(validateEvent('orders.order.teleported.v1', {})).toMatch(/not an event/);
  });

  it('knows the currencies of the kernel', () => {
    expect([...price.properties.currency.enum].sort()).toEqual([...CURRENCIES].sort());
  });

  it('opens closed objects and nothing else', () => {
    const closed = { additionalProperties: false, properties: { a: { additionalProperties: { type: 'string' } } } };
    expect(readerSchema(closed)).toEqual({ properties: { a: { additionalProperties: { type: 'string' } } } });
  });
});

describe('the AsyncAPI document', () => {
  it('is valid, with a channel per topic and a message per type', async () => {
    const samples = Object.fromEntries(types.map((type) => [type, sample(type)]));
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument({ samples })));
    expect(diagnostics.filter((entry) => Number(entry.severity) === 0)).toEqual([]);
    expect(
      document
        ?.channels()
        .all()
        .map((channel) => channel.address()),
    ).toEqual(EVENT_TOPICS);
    const names: (string | undefined)[] =
      document
        ?.messages()
        .all()
        .map((message) => message.name()) ?? [];
    expect(new Set(names)).toEqual(new Set<EventType>(types));
  });
});

// Walks objects and arrays: a member that a schema requires and the first published shape lacks breaks old writers.
function missingRequired(schema: unknown, value: unknown, path: string): string[] {
  const node = schema as { required?: string[]; properties?: Record<string, unknown>; items?: unknown };
  if (Array.isArray(value))
    return value.flatMap((entry, at) => missingRequired(node.items ?? {}, entry, `${path}/${at}`));
  if (typeof value !== 'object' || value === null) return [];
  const members = value as Record<string, unknown>;
  const missing = (node.required ?? []).filter((name) => !(name in members)).map((name) => `${path}/${name}`);
  const nested = Object.entries(node.properties ?? {}).filter(([name]) => name in members);
  return [...missing, ...nested.flatMap(([name, part]) => missingRequired(part, members[name], `${path}/${name}`))];
}
