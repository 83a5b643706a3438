// Goal: for any input, the answer is declared by the operation and is never a 5xx, and a refused request changes nothing.
// Method: the same faults against every operation of the served document, then random requests made from the schema of each
// operation. A failing run prints its seed; FC_SEED repeats it, FC_RUNS sets the number of requests.
import fc from 'fast-check';
import { newId, newUuid } from '@gravity/kernel';
import { answerFaults, AnswerSchemas } from './answer-schemas';
import { ApiStack, type CallOptions } from './api-stack';
import { fuzzedBody, fuzzedText } from './fuzzed-bodies';
import { sampleOf, type Schema } from './sample-bodies';
import { type Fixtures, createFixtures } from './fixtures';
import { validHeaders, type Target, Targets } from './targets';

const RUNS_PER_OPERATION = Number(process.env['FC_RUNS'] ?? 25);
const BODY_BYTES_MAX = 64 * 1_024;
/** Already encoded: NUL, half a surrogate pair, invalid UTF-8, slashes, dots, line ends, numbers … */
const NASTY_IN_URLS = [
  ...['%00', '%ED%A0%80', '%C3%28', '%25', '%2F', '..%2F..%2Fetc%2Fpasswd', '%252e%252e', '%5C', '%E2%80%AE'],
  ...['%0d%0ax-injected:%20yes', '%F0%9F%8D%BA', "'%20or%201=1--", '__proto__', '%7B%7D', '%5B%5D', 'null', '%20'],
  ...['-1', '1e999', 'NaN', '0x10', '-0', '9'.repeat(400), '99999999999999999999', 'x'.repeat(4_000)],
];

/** Headers that every operation reads, declared or not. */
const HEADERS_READ_EVERYWHERE = ['Authorization', 'X-Request-Id', 'X-Forwarded-For', 'Traceparent', 'Accept'];
const NASTY_IN_HEADERS = [
  ...['', ' ', '"', '"-1"', '"1e999"', 'W/"1"', '*', '"1","2"', 'null', '__proto__', '\u00ff\u00fe', 'Bearer'],
  ...['Bearer a.b.c', '%0d%0aset-cookie:%20a=b', "' or 1=1--", '${jndi:ldap://127.0.0.1/a}', '<script>'],
  ...['9'.repeat(400), 'x'.repeat(4_000)],
];

let stack: ApiStack;
let fixtures: Fixtures;
let targets: Targets;
let schemas: AnswerSchemas;

beforeAll(async () => {
  stack = await ApiStack.start('bad-input');
  schemas = new AnswerSchemas(stack.api);
  fixtures = await createFixtures(stack);
  targets = new Targets(stack, fixtures);
}, 120_000);

afterAll(async () => stack?.stop());

/** Sends a faulty request to each target, and expects the same code from all and no change of the databases. */
async function allRefuse<T extends Target>(
  list: readonly T[],
  code: string,
  options: (target: T) => CallOptions,
): Promise<void> {
  const before = await stack.contents();
  const faults: string[] = [];
  for (const target of list) {
    const answer = await targets.send(target, options(target));
    if (answer.body?.code !== code) faults.push(`${target.place}: ${answer.status} ${answer.text}`);
    faults.push(...answerFaults(schemas, target.place, target.operation, answer));
  }
  expect(list.length).toBeGreaterThan(0);
  expect(faults).toEqual([]);
  expect(await stack.contents()).toEqual(before);
}

const validBody = ({ schema }: Target): Record<string, unknown> =>
  sampleOf(stack.api, schema!) as Record<string, unknown>;
const json = (body: string | Buffer): CallOptions => ({ raw: { body, type: 'application/json' } });

describe('bodies', () => {
  it('refuses unknown properties, at the top and inside', () =>
    allRefuse(targets.withBody(), 'invalid-request', (target) => ({
      json: { ...validBody(target), unknownMember: 1 },
    })));

  it.each([
    ['an array', []],
    ['a text', 'text'],
    ['a number', 17],
    ['null', null],
    ['an empty object', {}],
  ])('refuses %s for an object', (_name, body) =>
    allRefuse(targets.withBody(), 'invalid-request', () => ({ json: body })),
  );

  it.each([
    ['an object', { a: 1 }],
    ['null', null],
    ['an array without elements', []],
    ['a huge number', 1e308],
    ['an unsafe integer', 2 ** 53],
    ['a negative number', -1],
    ['a fraction', 1.5],
  ])('refuses %s in every required member', (_name, wrong) => {
    const members = targets
      .withBody()
      .flatMap((target) =>
        (target.schema.required ?? Object.keys(validBody(target))).map((member) => ({ ...target, member })),
      );
    return allRefuse(members, 'invalid-request', (target) => ({
      json: { ...validBody(target), [target.member]: wrong },
    }));
  });

  it('refuses a duplicate member', () =>
    allRefuse(targets.withBody(), 'invalid-request', (target) => {
      const text = JSON.stringify(validBody(target));
      const [first] = Object.keys(validBody(target));
      return json(`${text.slice(0, -1)},${JSON.stringify(first)}:null}`);
    }));

  it.each(['__proto__', 'constructor', 'prototype', 'toString'])('refuses the member %s', (name) =>
    allRefuse(targets.withBody(), 'invalid-request', (target) =>
      json(`${JSON.stringify(validBody(target)).slice(0, -1)},${JSON.stringify(name)}:{"polluted":true}}`),
    ),
  );

  it.each([
    ['invalid JSON', '{"a":'],
    ['NaN', '{"a":NaN}'],
    ['a very long number', `{"a":${'9'.repeat(5_000)}}`],
    ['deep nesting', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['half a surrogate pair', '{"name":"\\ud800","title":"\\ud800","reason":"\\ud800"}'],
    ['a NUL', '{"name":"a\\u0000","title":"a\\u0000","reason":"a\\u0000"}'],
  ])('refuses %s', (_name, body) => allRefuse(targets.withBody(), 'invalid-request', () => json(body)));

  it('refuses more than 64 KiB', () =>
    allRefuse(targets.withBody(), 'payload-too-large', () => json(`{"name":"${'x'.repeat(BODY_BYTES_MAX)}"}`)));

  it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'refuses a body of type %s',
    (type) =>
      allRefuse(targets.withBody(), 'unsupported-media-type', (target) => ({
        raw: { body: JSON.stringify(validBody(target)), type },
      })),
  );

  it('does not pollute the prototype of objects', () => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('headers', () => {
  const having = (name: string): Target[] =>
    targets
      .all()
      .filter(({ operation }) => (operation.parameters ?? []).some((one) => one.in === 'header' && one.name === name));
  const whole = (target: Target): CallOptions => (target.schema === undefined ? {} : { json: validBody(target) });

  it('requires an Idempotency-Key', () =>
    allRefuse(having('Idempotency-Key'), 'idempotency-key-missing', (target) => ({
      ...whole(target),
      headers: { 'idempotency-key': '' },
    })));

  it.each([
    ['longer than 128 characters', 'k'.repeat(129)],
    ['with a control character', 'a\tb'],
    ['with a quote inside', 'a"b'],
  ])('refuses an Idempotency-Key %s', (_name, key) =>
    allRefuse(having('Idempotency-Key'), 'invalid-request', (target) => ({
      ...whole(target),
      headers: { 'idempotency-key': key },
    })),
  );

  it('requires If-Match', () =>
    allRefuse(having('If-Match'), 'precondition-required', (target) => ({
      ...whole(target),
      headers: { 'if-match': '' },
    })));

  it.each(['3', '"3', '"3" "4"', '"3", *', 'w/"3"', '"a b"'])('refuses If-Match: %s', (tag) =>
    allRefuse(having('If-Match'), 'invalid-request', (target) => ({ ...whole(target), headers: { 'if-match': tag } })),
  );

  it.each(['"999"', 'W/"999"', '"998", W/"999"', '"-1"', '"99999999999999999999"', '"other"'])(
    'finds the version stale under If-Match: %s',
    (tag) => {
      // These succeed for any version when the state is already reached, because nothing changes.
      const granted = ['continueSeries', 'delistProduct'];
      const changing = having('If-Match').filter(({ operation }) => !granted.includes(operation.operationId!));
      return allRefuse(changing, 'stale-version', (target) => ({ ...whole(target), headers: { 'if-match': tag } }));
    },
  );
});

describe('paths and queries', () => {
  it.each(['x', '..%2f..%2fetc', '%00', '%F0%9F%8D%BA', "'%20or%201=1--", 'a'.repeat(200), newUuid(), newId('event')])(
    'finds nothing under the id %s',
    async (id) => {
      const faults: string[] = [];
      const before = await stack.contents();
      for (const target of targets.all().filter(({ path }) => path.includes('{'))) {
        const path = target.path.replaceAll(/\{\w+\}/g, id);
        const headers = validHeaders(target.operation);
        const body = target.schema === undefined ? {} : { json: validBody(target) };
        const answer = await stack.call(target.method, path, {
          token: await targets.tokenFor(target),
          headers,
          ...body,
        });
        if (![404, 400].includes(answer.status)) faults.push(`${target.place}: ${answer.status} ${answer.text}`);
        if (answer.body?.code !== 'route-not-found')
          faults.push(...answerFaults(schemas, target.place, target.operation, answer));
      }
      expect(faults).toEqual([]);
      expect(await stack.contents()).toEqual(before);
    },
  );

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=1&limit=2',
    'limit=1e1000',
    'unknown=1',
    '__proto__=1',
    'limit[]=1',
    'cursor=a&cursor=b',
  ])('refuses the query %s of every list', async (query) => {
    const lists = targets
      .all()
      .filter(({ operation }) => (operation.parameters ?? []).some(({ name }) => name === 'limit'));
    const faults: string[] = [];
    for (const target of lists) {
      const answer = await stack.call('GET', `${target.path}?${query}`, { token: await targets.tokenFor(target) });
      if (answer.body?.code !== 'invalid-request') faults.push(`${target.place}: ${answer.status} ${answer.text}`);
    }
    expect(faults).toEqual([]);
  });

  it.each(['x', 'a.b', 'W10.AAAAAAAAAAAAAAAAAAAAAA', '%F0%9F%8D%BA'])(
    'refuses the cursor %s of every list',
    async (cursor) => {
      for (const target of targets
        .all()
        .filter(({ operation }) => (operation.parameters ?? []).some(({ name }) => name === 'cursor'))) {
        const answer = await stack.call('GET', `${target.path}?cursor=${cursor}`, {
          token: await targets.tokenFor(target),
        });
        expect([target.place, answer.body?.code]).toEqual([target.place, 'invalid-cursor']);
      }
    },
  );
});

describe('any parameter', () => {
  const declared = (where: string): (Target & { name: string; schemaOf: Schema })[] =>
    targets
      .all()
      .flatMap((target) =>
        (target.operation.parameters ?? [])
          .filter((one) => one.in === where)
          .map(({ name, schema }) => ({ ...target, name, schemaOf: schema ?? {} })),
      );

  it('in a path is answered as declared, and changes nothing', async () => {
    const before = await stack.contents();
    const faults: string[] = [];
    for (const target of declared('path')) {
      const options = { token: await targets.tokenFor(target), headers: validHeaders(target.operation) };
      const body = target.schema === undefined ? {} : { json: validBody(target) };
      for (const text of NASTY_IN_URLS) {
        // One bad parameter at a time. The other parameters name existing objects.
        const path = targets.realPath(target.path.replace(`{${target.name}}`, text));
        const answer = await stack.call(target.method, path, { ...options, ...body });
        if (answer.status < 400) faults.push(`${target.method} ${path}: ${answer.status} ${answer.text}`);
        if (answer.body?.code !== 'route-not-found')
          faults.push(...answerFaults(schemas, `${target.place} ${target.name}=${text}`, target.operation, answer));
      }
    }
    expect(faults).toEqual([]);
    expect(await stack.contents()).toEqual(before);
  });

  it('in a query is answered as declared, and changes nothing', async () => {
    const before = await stack.contents();
    const faults: string[] = [];
    for (const target of declared('query')) {
      const { name } = target;
      const token = await targets.tokenFor(target);
      const queries = NASTY_IN_URLS.map((text) => `${name}=${text}`);
      for (const query of [...queries, `${name}=1&${name}=2`, `${name}[]=1`, `${name}[x]=1`, name, `${name}=`]) {
        const answer = await stack.call(target.method, `${targets.realPath(target.path)}?${query}`, { token });
        faults.push(...answerFaults(schemas, `${target.place} ${query}`, target.operation, answer));
      }
    }
    expect(faults).toEqual([]);
    expect(await stack.contents()).toEqual(before);
  });

  it('in a query is accepted when its schema allows it', async () => {
    const faults: string[] = [];
    for (const target of declared('query')) {
      const token = await targets.tokenFor(target);
      for (const value of validQueries(target.name, target.schemaOf)) {
        const query = new URLSearchParams({ [target.name]: value }).toString();
        const answer = await stack.call(target.method, `${targets.realPath(target.path)}?${query}`, { token });
        if (answer.status !== 200) faults.push(`${target.place} ${query}: ${answer.status} ${answer.text}`);
      }
    }
    expect(faults).toEqual([]);
  });

  /** Valid values of a query parameter. A cursor is opaque; only a list can make one. */
  function validQueries(name: string, schema: Schema): string[] {
    if (name === 'cursor') return [];
    if (schema.enum !== undefined) return schema.enum.map(String);
    if (schema.items?.enum !== undefined) return schema.items.enum.map(String);
    if (schema.type === 'boolean') return ['true', 'false'];
    if (schema.type === 'integer') return [schema.minimum ?? 0, schema.maximum ?? 1_000].map(String);
    if (schema.format === 'date-time') return ['2027-01-01T00:00:00Z', '1999-12-31T23:59:59.999Z'];
    if (schema.example !== undefined) return [schema.example].flat().map(String);
    if (!name.endsWith('Id')) return ['text', '茅台 🍺', 'x'.repeat(schema.maxLength ?? 30)];
    const ids: Record<string, string> = { shopId: fixtures.shopId, buyerId: fixtures.ownerBuyer };
    return [ids[name] ?? targets.realPath(`{${name}}`)];
  }
});

describe('random input', () => {
  const seed = process.env['FC_SEED'] === undefined ? {} : { seed: Number(process.env['FC_SEED']) };

  it('answers as declared', async () => {
    for (const target of targets.all()) {
      const names = (target.operation.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name);
      const token = await targets.tokenFor(target);
      const request = fc.record({
        body: target.schema === undefined ? fc.constant(undefined) : fuzzedBody(stack.api, target.schema),
        query: fc.dictionary(fc.constantFrom(...names, 'other'), fuzzedText, { maxKeys: 3 }),
        version: fc.constantFrom('"1"', '"2"', '"7"'),
        isUnknown: fc.boolean(),
      });
      const property = fc.asyncProperty(request, async ({ body, query, version, isUnknown }) => {
        const path = isUnknown
          ? target.path.replaceAll(/\{\w+\}/g, () => newId('order'))
          : targets.realPath(target.path);
        const search = names.length === 0 ? '' : `?${new URLSearchParams(query).toString()}`;
        const headers = {
          ...validHeaders(target.operation),
          ...(target.operation.parameters?.some((one) => one.name === 'If-Match') === true
            ? { 'if-match': version }
            : {}),
        };
        const answer = await stack.call(target.method, `${path}${search}`, {
          token,
          headers,
          ...(body === undefined ? {} : { json: body }),
        });
        expect(answerFaults(schemas, target.place, target.operation, answer)).toEqual([]);
      });
      await fc.assert(property, { numRuns: RUNS_PER_OPERATION, ...seed });
    }
  }, 120_000);
});

// The last test, because some of these requests succeed.
describe('any header', () => {
  it('is answered as declared, and no header of the answer repeats it', async () => {
    const faults: string[] = [];
    for (const target of targets.all()) {
      const own = (target.operation.parameters ?? []).filter((one) => one.in === 'header').map((one) => one.name);
      for (const name of new Set([...own, ...HEADERS_READ_EVERYWHERE])) {
        for (const text of NASTY_IN_HEADERS) {
          // Without a body, so that operations with a body refuse the request for any header.
          const answer = await targets.send(target, { headers: { [name.toLowerCase()]: text } });
          faults.push(...answerFaults(schemas, `${target.place} ${name}: ${text}`, target.operation, answer));
          if (/[^\w-]/.test(text) && Object.values(answer.headers).flat().includes(text))
            faults.push(`${target.place} repeats ${name}: ${text}`);
        }
      }
    }
    expect(faults).toEqual([]);
  }, 60_000);
});
