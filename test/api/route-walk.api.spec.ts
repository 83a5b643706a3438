// Goal: no route answers somebody who may not call it, and none shows, or admits to having, somebody else's object.
// Method: the walk is made from the served API document, so a route is covered on the day it appears; a path parameter
// that the walk has no object for fails it.
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
import { type Scene, setScene } from './scene';

let stack: ApiStack;
let scene: Scene;
let schemas: AnswerSchemas;

beforeAll(async () => {
  stack = await ApiStack.start('route-walk');
  schemas = new AnswerSchemas(stack.api);
  scene = await setScene(stack);
}, 120_000);

afterAll(async () => stack?.stop());

interface Stranger {
  readonly role: Role;
  readonly sub: string;
}

interface PathObject {
  /** An object of the first merchant or buyer. */
  readonly mine: string;
  /** The same kind of thing, but none that exists. */
  readonly nobodys: string;
  readonly owners: readonly Stranger[];
  /** Callers who must not learn of it. */
  readonly strangers: readonly Stranger[];
}

/** What stands for a path parameter. A new parameter needs a line here. */
function pathObjects(): Record<string, PathObject> {
  const merchant = { role: 'merchant', sub: scene.ownerMerchant } as const;
  const buyer = { role: 'buyer', sub: scene.ownerBuyer } as const;
  const otherMerchant = { role: 'merchant', sub: scene.strangerMerchant } as const;
  const otherBuyer = { role: 'buyer', sub: scene.strangerBuyer } as const;
  const anchor = { role: 'anchor', sub: 'anchor_1' } as const;
  const operator = { role: 'operator', sub: 'operator_1' } as const;
  const of = (kind: IdKind, mine: string, owners: Stranger[], strangers: Stranger[]): PathObject => ({
    mine,
    nobodys: newId(kind),
    owners: [operator, ...owners],
    strangers,
  });
  return {
    merchantId: of('merchant', scene.ownerMerchant, [merchant], [otherMerchant]),
    productId: of('product', scene.productId, [merchant], [otherMerchant, otherBuyer, anchor]),
    skuId: of('sku', scene.skuId, [merchant], [otherMerchant, otherBuyer, anchor]),
    seriesId: of('series', scene.seriesId, [], []),
    roundId: of('round', scene.roundId, [merchant], [otherMerchant, otherBuyer, anchor]),
    orderId: of('order', scene.orderId, [buyer, merchant], [otherBuyer, otherMerchant]),
    // Not of our callers: the sandbox tells them apart by keys of its own.
    intentId: { mine: scene.intentId, nobodys: 'pi_nobodys', owners: [], strangers: [] },
    provider: { mine: 'sandbox', nobodys: 'nobody', owners: [], strangers: [] },
  };
}

function pathWith(path: string, which: 'mine' | 'nobodys'): string {
  const objects = pathObjects();
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const found = objects[name];
    if (found === undefined) throw new Error(`${path}: the walk has no object for {${name}}; add one to pathObjects`);
    return found[which];
  });
}

/** A body and headers that the operation's own schema calls good. */
function goodRequest(operation: ApiOperation): { json?: unknown; headers: Record<string, string> } {
  const names = (operation.parameters ?? []).filter((one) => one.in === 'header').map((one) => one.name);
  const schema = bodySchema(operation);
  const json =
    operation.operationId === 'placeClaim'
      ? { itemId: scene.draftItemId, quantity: 1, regionCode: 'CN-11' }
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

it('lets nobody in without a good token', async () => {
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
      const answer = await stack.call(method, pathWith(path, 'mine'), { ...goodRequest(operation), token });
      // A public route has a check of its own: a provider key, a client secret, a signature.
      const turnedAway = isPublic ? [401, 404].includes(answer.status) : answer.body?.code === 'unauthenticated';
      if (!turnedAway) faults.push(`${place}, token ${name}: ${answer.status} ${answer.text}`);
      faults.push(...answerFaults(schemas, place, operation, answer));
    }
  }
  expect(faults).toEqual([]);
});

it('lets in the roles that an operation declares, and no other', async () => {
  const faults: string[] = [];
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    const callers = callersOf(operation);
    if (callers.includes('anybody')) continue;
    for (const role of ROLES) {
      const token = await stack.token(role);
      // Nobody's object and an empty body: whoever is let in changes nothing.
      const answer = await stack.call(method, pathWith(path, 'nobodys'), { token });
      const refused = answer.status === 403 && answer.body.code === 'forbidden';
      if (refused === callers.includes(role) || answer.status === 401)
        faults.push(`${place} as ${role}: ${answer.status} ${answer.text}`);
      faults.push(...answerFaults(schemas, `${place} as ${role}`, operation, answer));
    }
  }
  expect(faults).toEqual([]);
});

it('answers for what does not exist, and for what is somebody else’s, with the same 404', async () => {
  const faults: string[] = [];
  let asked = 0;
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
    if (names.length === 0 || callersOf(operation).includes('anybody')) continue;
    const strangers = names.flatMap((name) => pathObjects()[name]?.strangers ?? []);
    const callers = strangers.filter(({ role }) => callersOf(operation).includes(role));
    for (const { role, sub } of callers) {
      const token = await stack.token(role, sub);
      const theirs = await stack.call(method, pathWith(path, 'mine'), { ...goodRequest(operation), token });
      const nobodys = await stack.call(method, pathWith(path, 'nobodys'), { ...goodRequest(operation), token });
      asked += 1;
      for (const answer of [theirs, nobodys])
        if (answer.status !== 404 || answer.body.code !== 'not-found')
          faults.push(`${place} as ${sub}: ${answer.status} ${answer.text}`);
      const told = (text: string): string =>
        text.replaceAll(/[a-z]{2,3}_[0-9a-z]{26}/g, 'id').replace(/"requestId":"[^"]*"/, '');
      if (told(theirs.text) !== told(nobodys.text))
        faults.push(`${place} as ${sub} tells them apart: ${theirs.text} ${nobodys.text}`);
    }
    if (callersOf(operation).includes('operator')) {
      const token = await stack.token('operator');
      const answer = await stack.call(method, pathWith(path, 'nobodys'), { ...goodRequest(operation), token });
      if (answer.status !== 404) faults.push(`${place}, nobody's: ${answer.status} ${answer.text}`);
    }
  }
  expect(faults).toEqual([]);
  expect(asked).toBeGreaterThan(15);
});

it('keeps foreign objects out of lists', async () => {
  const hidden = [scene.productId, scene.skuId, scene.roundId, scene.orderId, scene.shopId];
  const mentioned: string[] = [];
  for (const { place, method, path, operation } of operationsOf(stack.api)) {
    if (method !== 'GET' || path.includes('{')) continue;
    for (const [role, sub] of [
      ['buyer', scene.strangerBuyer],
      ['merchant', scene.strangerMerchant],
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

it('shows owners what is theirs, in the shape that the document promises', async () => {
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
      const answer = await stack.call(method, pathWith(path, 'mine'), { token: await stack.token(role, sub) });
      if (answer.status !== 200) faults.push(`${place} as ${sub}: ${answer.status} ${answer.text}`);
      faults.push(...answerFaults(schemas, place, operation, answer));
    }
  }
  expect(faults).toEqual([]);
});

it('keeps payment intents apart by their secrets', async () => {
  const other = await stack.call('POST', '/payments-sandbox/v1/intents/pi_nobodys/confirmation', {
    token: scene.clientSecret,
    json: { token: 'tok_approve' },
  });
  const wrong = await stack.call('POST', `/payments-sandbox/v1/intents/${scene.intentId}/confirmation`, {
    token: `${scene.clientSecret}x`,
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
    /** Names an object of the first merchant and buyer. */
    readonly request: object;
    /** Lists answer with fewer objects instead of a refusal. */
    readonly isList?: boolean;
  }

  /** Who may call which method. A new method needs a line here. */
  const table = (): Record<string, Expected> => {
    const all = ROLES;
    const orders: Role[] = ['buyer', 'merchant', 'operator', 'service'];
    const claim = {
      roundId: scene.roundId,
      itemId: scene.draftItemId,
      quantity: 1,
      regionCode: 'CN-11',
      idempotencyKey: newUuid(),
    };
    return {
      'CatalogService.GetProduct': { callers: all, request: { productId: scene.productId } },
      'CatalogService.GetSku': { callers: all, request: { skuId: scene.skuId } },
      'CatalogService.ListSkus': { callers: all, request: {}, isList: true },
      'CatalogService.SearchProducts': { callers: all, request: {}, isList: true },
      'ClaimService.PlaceClaim': { callers: ['buyer'], request: claim },
      'OrderService.GetOrder': { callers: orders, request: { orderId: scene.orderId } },
      'OrderService.ListOrders': { callers: orders, request: {}, isList: true },
    };
  };

  it('knows who may call every method', () => {
    expect(grpc.names).toEqual(Object.keys(table()).sort());
  });

  it('lets nobody in without a good token, nor with a role that the method does not declare', async () => {
    const request: TokenRequest = { sub: 'operator_1', roles: [...ROLES] };
    const { bad } = stack.issuer;
    const turnedAway = [
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
      for (const token of turnedAway)
        expect([name, (await grpc.call(name, message, token)).code]).toEqual([name, 'unauthenticated']);
      for (const role of ROLES) {
        const { status } = await grpc.call(name, message, await stack.token(role));
        expect([name, role, status === 'PERMISSION_DENIED']).toEqual([name, role, !callers.includes(role)]);
      }
    }
  });

  it('answers NOT_FOUND for somebody else’s object, and keeps it out of lists', async () => {
    const hidden = [scene.productId, scene.skuId, scene.orderId];
    for (const [name, { callers, request, isList }] of Object.entries(table())) {
      for (const [role, sub] of [
        ['buyer', scene.strangerBuyer],
        ['merchant', scene.strangerMerchant],
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
          { orderId: scene.orderId },
          await stack.token('buyer', scene.ownerBuyer),
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
