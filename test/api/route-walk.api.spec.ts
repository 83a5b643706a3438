// Goal: no route answers a caller without permission, and none shows a foreign object or reveals that it exists. Method: the requests are
// made from the served API document, so every new route is covered; a path parameter without a test object fails the spec.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type IdKind, newId, newUuid } from '@gravity/kernel';
import { ROLES, type Role, routesOf } from '@gravity/http';
import { projectRoot, type TokenRequest } from '@gravity/testing';
import { operationsOf } from '../../tools/contracts/lint-api';
import type { ApiOperation } from '../../tools/contracts/served-api';
import { ApiStack } from './api-stack';
import { answerFaults, AnswerSchemas } from './answer-schemas';
import { GrpcMethods } from './grpc-methods';
import { bodySchema, sampleOf } from './sample-bodies';
import { type Fixtures, createFixtures } from './fixtures';

let stack: ApiStack;
let fixtures: Fixtures;
let schemas: AnswerSchemas;

beforeAll(async () => {
  stack = await ApiStack.start('route-walk');
  schemas = new AnswerSchemas(stack.api);
  fixtures = await createFixtures(stack);
}, 120_000);

afterAll(async () => stack?.stop());

interface TestCaller {
  readonly role: Role;
  readonly sub: string;
}

interface PathObject {
  /** An object of the first merchant or buyer. */
  readonly existing: string;
  /** An id of the same kind without an object. */
  readonly missing: string;
  readonly owners: readonly TestCaller[];
  /** Callers who must not see it. */
  readonly others: readonly TestCaller[];
}

/** The test objects of the path parameters. A new parameter needs a line here. */
function pathObjects(): Record<string, PathObject> {
  const merchant = { role: 'merchant', sub: fixtures.ownerMerchant } as const;
  const buyer = { role: 'buyer', sub: fixtures.ownerBuyer } as const;
  const otherMerchant = { role: 'merchant', sub: fixtures.otherMerchant } as const;
  const otherBuyer = { role: 'buyer', sub: fixtures.otherBuyer } as const;
  const anchor = { role: 'anchor', sub: 'anchor_1' } as const;
  const operator = { role: 'operator', sub: 'operator_1' } as const;
  const of = (kind: IdKind, existing: string, owners: TestCaller[], others: TestCaller[]): PathObject => ({
    existing,
    missing: newId(kind),
    owners: [operator, ...owners],
    others,
  });
  return {
    merchantId: of('merchant', fixtures.ownerMerchant, [merchant], [otherMerchant]),
    productId: of('product', fixtures.productId, [merchant], [otherMerchant, otherBuyer, anchor]),
    skuId: of('sku', fixtures.skuId, [merchant], [otherMerchant, otherBuyer, anchor]),
    seriesId: of('series', fixtures.seriesId, [], []),
    roundId: of('round', fixtures.roundId, [merchant], [otherMerchant, otherBuyer, anchor]),
    orderId: of('order', fixtures.orderId, [buyer, merchant], [otherBuyer, otherMerchant]),
    // The sandbox authenticates with its own keys instead of the roles.
    intentId: { existing: fixtures.intentId, missing: 'pi_missing', owners: [], others: [] },
    provider: { existing: 'sandbox', missing: 'missing', owners: [], others: [] },
  };
}

function pathWith(path: string, which: 'existing' | 'missing'): string {
  const objects = pathObjects();
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const found = objects[name];
    if (found === undefined) throw new Error(`${path}: there is no test object for {${name}}; add one to pathObjects`);
    return found[which];
  });
}

/** A body and headers that are valid for the operation. */
function validRequest(operation: ApiOperation): { json?: unknown; headers: Record<string, string> } {
  const names = (operation.parameters ?? []).filter((one) => one.in === 'header').map((one) => one.name);
  const schema = bodySchema(operation);
  const json =
    operation.operationId === 'placeClaim'
      ? { itemId: fixtures.draftItemId, quantity: 1, regionCode: 'CN-11' }
      : schema === undefined
        ? undefined
        : sampleOf(stack.api, schema);
  return {
    ...(json === undefined ? {} : { json }),
    headers: {
      ...(names.includes('Idempotency-Key') ? { 'idempotency-key': newUuid() } : {}),
      ...(names.includes('If-Match') ? { 'if-match': '"1"' } : {}),
    },
  };
}

const callersOf = (operation: ApiOperation): readonly string[] => operation['x-callers'] ?? [];

it('serves exactly the routes of the document', () => {
  const documented = operationsOf(stack.api).map(({ method, path }) => `${method} ${path}`);
  const platform = /^\/(health|metrics|openapi\.json|docs|problems|issuer)(\/|$)/;
  const served = routesOf(stack.running.app)
    .filter(({ path }) => !platform.test(path))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(served.sort()).toEqual(documented.sort());
});

it('refuses every invalid token', async () => {
  const request: TokenRequest = { sub: 'operator_1', roles: [...ROLES] };
  const { bad } = stack.issuer;
  const tokens: Record<string, string | undefined> = {
    none: undefined,
    expired: await bad.expired(request),
    'wrong audience': await bad.wrongAudience(request),
    'wrong issuer': await bad.wrongIssuer(request),
    'alg none': bad.unsigned(request),
    'wrongly signed': await bad.wronglySigned(request),
    tampered: await bad.tampered({ ...request, roles: ['buyer'] }),
    'key confusion': await bad.keyConfusion(request),
    'unknown key': await bad.unknownKey(request),
    garbage: 'a.b.c',
  };
  const faults: string[] = [];
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    const isPublic = callersOf(operation).includes('anybody');
    for (const [name, token] of Object.entries(tokens)) {
      const answer = await stack.call(method, pathWith(path, 'existing'), { ...validRequest(operation), token });
      // A public route has its own check: a provider key, a client secret or a signature.
      const refused = isPublic ? [401, 404].includes(answer.status) : answer.body?.code === 'unauthenticated';
      if (!refused) faults.push(`${place}, token ${name}: ${answer.status} ${answer.text}`);
      faults.push(...answerFaults(schemas, place, operation, answer));
    }
  }
  expect(faults).toEqual([]);
});

it('accepts exactly the roles that an operation declares', async () => {
  const faults: string[] = [];
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    const callers = callersOf(operation);
    if (callers.includes('anybody')) continue;
    for (const role of ROLES) {
      const token = await stack.token(role);
      // A missing object and no body, so that an allowed caller changes nothing.
      const answer = await stack.call(method, pathWith(path, 'missing'), { token });
      const refused = answer.status === 403 && answer.body.code === 'forbidden';
      if (refused === callers.includes(role) || answer.status === 401)
        faults.push(`${place} as ${role}: ${answer.status} ${answer.text}`);
      faults.push(...answerFaults(schemas, `${place} as ${role}`, operation, answer));
    }
  }
  expect(faults).toEqual([]);
});

it('answers with the same 404 for missing and for foreign objects', async () => {
  const faults: string[] = [];
  let compared = 0;
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
    if (names.length === 0 || callersOf(operation).includes('anybody')) continue;
    const others = names.flatMap((name) => pathObjects()[name]?.others ?? []);
    const callers = others.filter(({ role }) => callersOf(operation).includes(role));
    for (const { role, sub } of callers) {
      const token = await stack.token(role, sub);
      const foreign = await stack.call(method, pathWith(path, 'existing'), { ...validRequest(operation), token });
      const missing = await stack.call(method, pathWith(path, 'missing'), { ...validRequest(operation), token });
      compared += 1;
      for (const answer of [foreign, missing])
        if (answer.status !== 404 || answer.body.code !== 'not-found')
          faults.push(`${place} as ${sub}: ${answer.status} ${answer.text}`);
      const comparable = (text: string): string =>
        text.replaceAll(/[a-z]{2,3}_[0-9a-z]{26}/g, 'id').replace(/"requestId":"[^"]*"/, '');
      if (comparable(foreign.text) !== comparable(missing.text))
        faults.push(`${place} as ${sub} answers differently: ${foreign.text} ${missing.text}`);
    }
    if (callersOf(operation).includes('operator')) {
      const token = await stack.token('operator');
      const answer = await stack.call(method, pathWith(path, 'missing'), { ...validRequest(operation), token });
      if (answer.status !== 404) faults.push(`${place}, missing: ${answer.status} ${answer.text}`);
    }
  }
  expect(faults).toEqual([]);
  expect(compared).toBeGreaterThan(15);
});

it('keeps foreign objects out of lists', async () => {
  const hidden = [fixtures.productId, fixtures.skuId, fixtures.roundId, fixtures.orderId, fixtures.shopId];
  const mentioned: string[] = [];
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    if (method !== 'GET' || path.includes('{')) continue;
    for (const [role, sub] of [
      ['buyer', fixtures.otherBuyer],
      ['merchant', fixtures.otherMerchant],
      ['anchor', 'a_1'],
    ] as const) {
      if (!callersOf(operation).includes(role)) continue;
      const answer = await stack.call(method, `${path}?limit=100`, { token: await stack.token(role, sub) });
      expect([place, answer.status]).toEqual([place, 200]);
      const own = (answer.body.items as { id?: string; orderId?: string }[]).map((item) => item.id ?? item.orderId);
      mentioned.push(...own.filter((id) => hidden.includes(id!)).map((id) => `${place} shows ${id} to ${sub}`));
    }
  }
  expect(mentioned).toEqual([]);
});

it('shows owners their objects, with the schema of the document', async () => {
  const faults: string[] = [];
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    if (method !== 'GET' || callersOf(operation).includes('anybody')) continue;
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
    const owners =
      names.length === 0
        ? [{ role: 'operator', sub: 'operator_1' } as const]
        : names.flatMap((name) => pathObjects()[name]!.owners);
    for (const { role, sub } of owners) {
      if (!callersOf(operation).includes(role)) continue;
      const answer = await stack.call(method, pathWith(path, 'existing'), { token: await stack.token(role, sub) });
      if (answer.status !== 200) faults.push(`${place} as ${sub}: ${answer.status} ${answer.text}`);
      faults.push(...answerFaults(schemas, place, operation, answer));
    }
  }
  expect(faults).toEqual([]);
});

it('accepts a client secret for its own payment intent only', async () => {
  const other = await stack.call('POST', '/payments-sandbox/v1/intents/pi_missing/confirmation', {
    token: fixtures.clientSecret,
    json: { token: 'tok_approve' },
  });
  const wrong = await stack.call('POST', `/payments-sandbox/v1/intents/${fixtures.intentId}/confirmation`, {
    token: `${fixtures.clientSecret}x`,
    json: { token: 'tok_approve' },
  });
  expect([other.status, wrong.status]).toEqual([404, 404]);
});

describe('over gRPC', () => {
  let grpc: GrpcMethods;

  beforeAll(() => {
    grpc = new GrpcMethods(stack.running.grpcUrl!);
  });
  afterAll(() => grpc?.close());

  interface Expected {
    readonly callers: readonly Role[];
    /** A request for an object of the first merchant or buyer. */
    readonly request: object;
    /** A list answers without foreign objects instead of a refusal. */
    readonly isList?: boolean;
  }

  /** The callers of each method. A new method needs a line here. */
  const table = (): Record<string, Expected> => {
    const all = ROLES;
    const orders: Role[] = ['buyer', 'merchant', 'operator', 'service'];
    const claim = {
      roundId: fixtures.roundId,
      itemId: fixtures.draftItemId,
      quantity: 1,
      regionCode: 'CN-11',
      idempotencyKey: newUuid(),
    };
    return {
      'CatalogService.GetProduct': { callers: all, request: { productId: fixtures.productId } },
      'CatalogService.GetSku': { callers: all, request: { skuId: fixtures.skuId } },
      'CatalogService.ListSkus': { callers: all, request: {}, isList: true },
      'CatalogService.SearchProducts': { callers: all, request: {}, isList: true },
      'ClaimService.PlaceClaim': { callers: ['buyer'], request: claim },
      'OrderService.GetOrder': { callers: orders, request: { orderId: fixtures.orderId } },
      'OrderService.ListOrders': { callers: orders, request: {}, isList: true },
    };
  };

  it('declares the callers of every method', () => {
    expect(grpc.names).toEqual(Object.keys(table()).sort());
  });

  it('refuses every invalid token, and roles that the method does not declare', async () => {
    const request: TokenRequest = { sub: 'operator_1', roles: [...ROLES] };
    const { bad } = stack.issuer;
    const invalid = [
      undefined,
      await bad.expired(request),
      await bad.wrongAudience(request),
      bad.unsigned(request),
      await bad.wronglySigned(request),
      await bad.keyConfusion(request),
      await bad.wrongIssuer(request),
      await bad.tampered({ ...request, roles: ['buyer'] }),
      await bad.unknownKey(request),
    ];
    for (const [name, { callers, request: message }] of Object.entries(table())) {
      for (const token of invalid)
        expect([name, (await grpc.call(name, message, token)).code]).toEqual([name, 'unauthenticated']);
      for (const role of ROLES) {
        const { status } = await grpc.call(name, message, await stack.token(role));
        expect([name, role, status === 'PERMISSION_DENIED']).toEqual([name, role, !callers.includes(role)]);
      }
    }
  });

  it('answers NOT_FOUND for a foreign object, and keeps it out of lists', async () => {
    const hidden = [fixtures.productId, fixtures.skuId, fixtures.orderId];
    for (const [name, { callers, request, isList }] of Object.entries(table())) {
      for (const [role, sub] of [
        ['buyer', fixtures.otherBuyer],
        ['merchant', fixtures.otherMerchant],
      ] as const) {
        if (!callers.includes(role)) continue;
        const answer = await grpc.call(name, request, await stack.token(role, sub));
        expect([name, role, answer.status]).toEqual([name, role, isList === true ? 'OK' : 'NOT_FOUND']);
        const shown = (
          (answer.body?.orders ?? answer.body?.skus ?? answer.body?.products ?? []) as { id: string }[]
        ).map(({ id }) => id);
        expect(shown.filter((id) => hidden.includes(id))).toEqual([]);
      }
    }
    expect(
      (
        await grpc.call(
          'OrderService.GetOrder',
          { orderId: fixtures.orderId },
          await stack.token('buyer', fixtures.ownerBuyer),
        )
      ).status,
    ).toBe('OK');
  });
});

it('the limits are those of the document', async () => {
  const limits = routesOf(stack.running.app).flatMap(({ policy: { operation, rateLimit } }) =>
    rateLimit === undefined
      ? []
      : [
          [`\`${operation}\``, rateLimit.scope, rateLimit.perSecond, rateLimit.burst, rateLimit.onRedisDown].join(
            ' | ',
          ),
        ],
  );
  const document = await readFile(join(projectRoot(), 'docs', 'rate-limits.md'), 'utf8');
  expect(document.match(/(?<=^\| )`.*(?= \|$)/gm)?.sort()).toEqual(limits.sort());
});
