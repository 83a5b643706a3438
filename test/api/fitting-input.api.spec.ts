// Goal: the checks accept the input that the API document describes. Method: for every operation, bodies, queries, path
// parameters and headers are generated from the served document; refusals as `invalid-request` are counted. FC_SEED repeats
// a run, FC_RUNS sets the number of requests.
import fc from 'fast-check';
import type { Role } from '@gravity/http';
import { SERVICES } from '../../apps/services';
import { operationsOf } from '../../tools/contracts/lint-api';
import type { ApiOperation } from '../../tools/contracts/served-api';
import { type Answer, ApiStack, PROVIDER_KEY } from './api-stack';
import { validValue } from './valid-values';
import { bodySchema, type Schema } from './sample-bodies';

/** The allowed share of generated requests that are refused as invalid. */
const REFUSED_SHARE_MAX = 0.02;
/** Operations whose members must fit each other, which JSON Schema cannot say: the share that they refuse. */
const REFUSED_SHARES_MAX: Readonly<Record<string, number>> = {
  // A round ends before the next one starts, and the recurrence after it begins.
  createSeries: 0.85,
};
const CALLERS = 20;
const RUNS_PER_OPERATION = Number(process.env['FC_RUNS'] ?? 60);

interface Input {
  readonly parameters: Record<string, unknown>;
  readonly body?: unknown;
}

let stack: ApiStack;
beforeAll(async () => (stack = await ApiStack.start('fitting-input')), 120_000);
afterAll(() => stack?.stop());

function inputOf(operation: ApiOperation): fc.Arbitrary<Input> {
  const parameters = (operation.parameters ?? []).map((one) => [one.name, validValue(stack.api, one.schema as Schema)]);
  const required = (operation.parameters ?? []).filter((one) => one.required).map((one) => one.name);
  const body = bodySchema(operation);
  return fc.record({
    parameters: fc.record(Object.fromEntries(parameters) as Record<string, fc.Arbitrary<unknown>>, {
      requiredKeys: required,
    }),
    ...(body === undefined ? {} : { body: validValue(stack.api, body) }),
  });
}

async function send(
  method: string,
  path: string,
  operation: ApiOperation,
  { parameters, body }: Input,
  index: number,
): Promise<Answer> {
  const of = (place: string): [string, unknown][] =>
    (operation.parameters ?? [])
      .filter((one) => one.in === place && parameters[one.name] !== undefined)
      .map((one) => [one.name, parameters[one.name]]);
  const filled = of('path').reduce(
    (all, [name, value]) => all.replace(`{${name}}`, encodeURIComponent(String(value))),
    path,
  );
  const query = new URLSearchParams(
    of('query').flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, String(one)])),
  );
  return stack.call(method, `${filled}?${query.toString()}`, {
    token: await tokenFor(operation, index),
    headers: Object.fromEntries(of('header').map(([name, value]) => [name.toLowerCase(), String(value)])),
    ...(body === undefined ? {} : { json: body }),
  });
}

/** Callers take turns, so that none of them meets its rate limit. */
function tokenFor(operation: ApiOperation, index: number): Promise<string> {
  const callers = operation['x-callers'] ?? [];
  const role = (['operator', 'buyer', 'merchant'] as Role[]).find((one) => callers.includes(one));
  return role === undefined ? Promise.resolve(PROVIDER_KEY) : stack.token(role, `${role}_${index % CALLERS}`);
}

describe.each(SERVICES.map(({ name }) => name))('%s', (service) => {
  it('accepts the input that its document describes', async () => {
    const operations = operationsOf(stack.api).filter(({ path }) => path.startsWith(`/${service}/`));
    expect(operations.length).toBeGreaterThan(0);
    const report: string[] = [];
    for (const { place, method, path, operation } of operations) {
      const seed = Number(process.env['FC_SEED'] ?? Math.trunc(performance.timeOrigin));
      const inputs = fc.sample(inputOf(operation), { seed, numRuns: RUNS_PER_OPERATION });
      const refused: string[] = [];
      for (const [index, input] of inputs.entries()) {
        const { status, body } = await send(method, path, operation, input, index);
        // A limit that answers first would hide what the document says wrongly.
        expect([500, 429].includes(status) ? [place, status, body] : []).toEqual([]);
        if (body?.code === 'invalid-request') refused.push(`${JSON.stringify(input)} ${JSON.stringify(body.errors)}`);
      }
      const share = REFUSED_SHARES_MAX[operation.operationId!] ?? REFUSED_SHARE_MAX;
      if (refused.length > share * inputs.length)
        report.push(
          `${place} (seed ${seed}): ${refused.length} of ${inputs.length}, as ${refused[0]!.slice(0, 2_000)}`,
        );
    }
    expect(report).toEqual([]);
  }, 120_000);
});
