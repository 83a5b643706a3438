// The same guard and the same refusals over gRPC, with health, reflection and a stop that finishes calls.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProtoPath } from 'grpc-health-check';
import { ProblemError } from '@gravity/contracts';
import { createLogger } from '@gravity/observability';
import { type LocalIssuer, localIssuer } from '@gravity/testing';
import { Caller, type CallerIdentity, Callers, HealthRegistry } from '@gravity/http';
import { bootServices, type RunningServices, defineService } from '../src';

const PROTO = `syntax = "proto3"; package things.v1;
service Things { rpc Greet(Greeting) returns (Greeting); rpc Undeclared(Greeting) returns (Greeting); }
message Greeting { string text = 1; int64 amount = 2; }`;

@Controller()
class ThingsGrpc {
  @GrpcMethod('Things', 'Greet')
  @Callers('buyer')
  async greet(@Payload() request: { text: string; amount: string }, @Caller() caller: CallerIdentity): Promise<object> {
    if (request.text === 'problem') {
      const errors = [{ pointer: '/text', message: 'is rude' }];
      throw new ProblemError({
        code: 'sold-out',
        detail: 'Nothing left.',
        retryAfterSeconds: 3,
        errors,
        extensions: { itemId: 'itm_1' },
      });
    }
    if (request.text === 'bug') throw new Error('secret place');
    if (request.text === 'slow') await new Promise((resolve) => setTimeout(resolve, 300));
    return { text: `hello ${caller.sub}`, amount: request.amount };
  }

  @GrpcMethod('Things', 'Undeclared')
  undeclared(): object {
    return {};
  }
}

@Module({ controllers: [ThingsGrpc] })
class ThingsModule {}

interface ProtoRoot {
  readonly things: { readonly v1: { readonly Things: unknown } };
  readonly grpc: { readonly health: { readonly v1: { readonly Health: unknown } } };
}

type Call = (
  request: object,
  metadata: Metadata,
  callback: (error: ServiceError | null, reply: Record<string, unknown>) => void,
) => void;

let folder: string;
let issuer: LocalIssuer;
let running: RunningServices;
let clients: Client[];

async function boot(): Promise<RunningServices> {
  const grpc = { package: 'things.v1', protoPath: join(folder, 'things.proto'), includeDirs: [folder] };
  const definition = defineService({ name: 'things', features: [ThingsModule], grpc, database: false });
  const logger = createLogger({ service: 'things', level: 'silent' });
  return bootServices([definition], {
    env: { ...issuer.env, CURSOR_SECRET: 'c'.repeat(32) },
    port: 0,
    grpcPort: 0,
    logger,
  });
}

function connect(
  url: string,
  path: string,
  service: (root: ProtoRoot) => unknown,
): (method: string, request: object, headers?: Record<string, string>) => Promise<Record<string, unknown>> {
  const root = loadPackageDefinition(
    loadSync(path, { longs: String, enums: String, defaults: true }),
  ) as unknown as ProtoRoot;
  const client = new (service(root) as new (url: string, how: unknown) => Client)(url, credentials.createInsecure());
  clients.push(client);
  return (method, request, headers = {}) =>
    new Promise((resolve, reject) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const call = (client as unknown as Record<string, Call>)[method]!.bind(client);
      call(request, metadata, (error, reply) => (error ? reject(error) : resolve(reply)));
    });
}

const things = (url: string) => connect(url, join(folder, 'things.proto'), (root) => root.things.v1.Things);
const health = (url: string) => connect(url, healthProtoPath, (root) => root.grpc.health.v1.Health);

beforeAll(async () => {
  clients = [];
  folder = mkdtempSync(join(tmpdir(), 'gravity-'));
  writeFileSync(join(folder, 'things.proto'), PROTO);
  issuer = await localIssuer();
  running = await boot();
});

afterAll(async () => {
  for (const client of clients) client.close();
  await running.close();
  rmSync(folder, { recursive: true });
});

it('knows the caller and keeps 64-bit numbers exact', async () => {
  const headers = { authorization: `Bearer ${await issuer.mint({ sub: 'b_7', roles: ['buyer'] })}` };
  const greet = things(running.grpcUrl!);
  for (let round = 0; round < 2; round += 1) {
    expect(await greet('Greet', { text: 'x', amount: '9007199254740993' }, headers)).toEqual({
      text: 'hello b_7',
      amount: '9007199254740993',
    });
  }
});

it('refuses without a token, with an invalid one, without the role, and without a declaration', async () => {
  const greet = things(running.grpcUrl!);
  const request = { sub: 'b_7', roles: ['operator'] };
  const bearer = async (token: string | Promise<string>) => ({ authorization: `Bearer ${await token}` });
  await expect(greet('Greet', {})).rejects.toMatchObject({ code: 16 });
  await expect(greet('Greet', {}, await bearer(issuer.bad.expired(request)))).rejects.toMatchObject({ code: 16 });
  await expect(greet('Greet', {}, await bearer(issuer.mint(request)))).rejects.toMatchObject({ code: 7 });
  await expect(greet('Undeclared', {}, await bearer(issuer.mint(request)))).rejects.toMatchObject({ code: 7 });
});

it('gives refusals the status, the code and machine-readable details', async () => {
  const headers = {
    authorization: `Bearer ${await issuer.mint({ sub: 'b_7', roles: ['buyer'] })}`,
    'x-request-id': 'call-1',
  };
  const error = (await things(running.grpcUrl!)('Greet', { text: 'problem' }, headers).catch(
    (reason: unknown) => reason,
  )) as ServiceError;
  expect(error).toMatchObject({ code: 8, details: 'Nothing left.' });
  expect(error.metadata.get('x-problem-code')).toEqual(['sold-out']);
  expect(error.metadata.get('x-request-id')).toEqual(['call-1']);
  writeFileSync(
    join(folder, 'status.proto'),
    `syntax = "proto3"; package s; import "google/protobuf/any.proto";
    service S { rpc M(Status) returns (Status); }
    message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }`,
  );
  const loaded = loadSync(join(folder, 'status.proto'), { includeDirs: [folder] });
  const method = (
    loaded['s.S'] as unknown as {
      M: { requestDeserialize(bytes: Buffer): { code: number; details: { type_url: string; value: Buffer }[] } };
    }
  ).M;
  const status = method.requestDeserialize(error.metadata.get('grpc-status-details-bin')[0] as Buffer);
  expect(status.code).toBe(8);
  const kinds = status.details.map((detail) => detail.type_url.split('.').at(-1));
  expect(kinds).toEqual(['ErrorInfo', 'RetryInfo', 'BadRequest']);
  expect(Buffer.from(status.details[0]!.value).toString()).toContain('sold-out');
});

it('hides the messages of bugs', async () => {
  const headers = { authorization: `Bearer ${await issuer.mint({ sub: 'b_7', roles: ['buyer'] })}` };
  const error = (await things(running.grpcUrl!)('Greet', { text: 'bug' }, headers).catch(
    (reason: unknown) => reason,
  )) as ServiceError;
  expect(error.code).toBe(13);
  expect(error.message).not.toContain('secret place');
});

it('mirrors readiness and finishes calls when it stops', async () => {
  const other = await boot();
  const check = health(other.grpcUrl!);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await check('Check', { service: 'things.v1.Things' })).toMatchObject({ status: 'SERVING' });
  other.app.get(HealthRegistry).register('postgres', async () => false);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await check('Check', { service: '' })).toMatchObject({ status: 'NOT_SERVING' });
  const headers = { authorization: `Bearer ${await issuer.mint({ sub: 'b_7', roles: ['buyer'] })}` };
  const slow = things(other.grpcUrl!)('Greet', { text: 'slow' }, headers);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const [reply] = await Promise.all([slow, other.close()]);
  expect(reply).toMatchObject({ text: 'hello b_7' });
});
