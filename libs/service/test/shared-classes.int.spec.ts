// Goal: two services of one process may provide the same class, and a service may be booted twice: each has instances of
// its own. Method: services without a database, whose worker records the name of its service.
import { createLogger } from '@gravity/observability';
import { eventually, type LocalIssuer, localIssuer } from '@gravity/testing';
import { Inject, Injectable, Module } from '@nestjs/common';
import { bootServices, configOf, coreOf, defineService, Loop, type RunningServices } from '../src';

const OWNER = Symbol('owner');
const recorded: string[] = [];

@Injectable()
class Recorder extends Loop {
  constructor(@Inject(OWNER) private readonly owner: { readonly name: string }) {
    super({ name: 'recorder', pauseMs: 600_000 });
  }

  protected override async turn(): Promise<void> {
    recorded.push(this.owner.name);
  }
}

function serviceNamed(name: string) {
  @Module({ imports: [coreOf(name)], providers: [{ provide: OWNER, useExisting: configOf(name) }, Recorder] })
  class RecorderModule {}
  const config = () => ({ name });
  return defineService({ name, database: false, config, features: [RecorderModule], workers: [Recorder] });
}

const east = serviceNamed('east');
const west = serviceNamed('west');

let issuer: LocalIssuer;
let running: RunningServices[] = [];

beforeAll(async () => {
  issuer = await localIssuer();
});

afterEach(async () => {
  await Promise.all(running.map((services) => services.close()));
  running = [];
  recorded.length = 0;
});

async function boot(...services: Parameters<typeof bootServices>[0]): Promise<void> {
  const env = { ...issuer.env, CURSOR_SECRET: 'c'.repeat(32) };
  const logger = createLogger({ service: 'shared', level: 'silent' });
  running.push(await bootServices(services, { env, port: 0, logger }));
}

it('runs the worker of each service, also when they are of one class', async () => {
  await boot(east, west);
  await eventually(async () => expect([...recorded].sort()).toEqual(['east', 'west']));
});

it('boots a service twice in one process', async () => {
  await boot(east);
  await boot(east);
  await eventually(async () => expect(recorded).toEqual(['east', 'east']));
});

it('does not start with a worker that no feature provides', async () => {
  await expect(boot(defineService({ name: 'north', database: false, workers: [Recorder] }), east)).rejects.toThrow(
    'north lists the worker Recorder, which none of its features provides',
  );
});
