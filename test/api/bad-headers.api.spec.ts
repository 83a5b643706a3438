// Goal: for any header value, the answer is declared by the operation, and no header of the answer repeats the value.
// Method: the same values in every header that an operation of the served document reads.
import { answerFaults, AnswerSchemas } from './answer-schemas';
import { ApiStack } from './api-stack';
import { createFixtures } from './fixtures';
import { Targets } from './targets';

/** Headers that every operation reads, declared or not. */
const HEADERS_READ_EVERYWHERE = ['Authorization', 'X-Request-Id', 'X-Forwarded-For', 'Traceparent', 'Accept'];
const NASTY_IN_HEADERS = [
  ...['', ' ', '"', '"-1"', '"1e999"', 'W/"1"', '*', '"1","2"', 'null', '__proto__', '\u00ff\u00fe', 'Bearer'],
  ...['Bearer a.b.c', '%0d%0aset-cookie:%20a=b', "' or 1=1--", '${jndi:ldap://127.0.0.1/a}', '<script>'],
  ...['9'.repeat(400), 'x'.repeat(4_000)],
];

let stack: ApiStack;
let schemas: AnswerSchemas;
let targets: Targets;

beforeAll(async () => {
  stack = await ApiStack.start('bad-headers');
  schemas = new AnswerSchemas(stack.api);
  targets = new Targets(stack, await createFixtures(stack));
}, 120_000);

afterAll(async () => stack?.stop());

describe('a header', () => {
  it('is answered as declared, and comes back in none', async () => {
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
