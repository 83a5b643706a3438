import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../eventually';
import { NotOwnedError } from './engine';
import { temporaryFolder } from './fresh';
import { processIdentity } from './process';
import { resetStack, runningStack, startStack, type StackOptions } from './stack';
import { writeStackFile } from './stack-file';

const quiet: StackOptions = { engines: ['redis'], env: {}, ports: 'free', log: () => undefined, handleSignals: false };

describe('startStack', () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await temporaryFolder();
  });

  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('uses given addresses and starts nothing', async () => {
    const env = { DATABASE_URL: 'postgresql://a:b@example/x', REDIS_URL: 'redis://example', KAFKA_BROKERS: 'a:1,b:2' };
    const stack = await startStack({ ...quiet, engines: ['postgres', 'redis', 'kafka'], dataDir, env });
    expect(stack.env).toEqual(env);
    expect(stack.postgres).toMatchObject({ owned: false, source: 'given' });
    await expect(stack.redis.flush()).rejects.toThrow(NotOwnedError);
    await stack.stop();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('publishes its addresses while it runs, to its owner alone', async () => {
    const stack = await startStack({ ...quiet, dataDir });
    const record = await runningStack(dataDir);
    expect(record).toMatchObject({
      owner: { pid: process.pid },
      env: stack.env,
      engines: { redis: { url: stack.redisUrl, process: { pid: stack.redis.pid } } },
    });
    expect(statSync(join(dataDir, 'stack.json')).mode & 0o077).toBe(0);
    await expect(resetStack(dataDir)).rejects.toThrow(/is running/);
    await Promise.all([stack.stop(), stack.stop()]);
    expect(await runningStack(dataDir)).toBeUndefined();
    expect(await resetStack(dataDir)).toBe(true);
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('does not empty a folder in which another stack runs', async () => {
    const inner = join(dataDir, 'demo', 'run-1');
    const stack = await startStack({ ...quiet, dataDir: inner });
    await expect(resetStack(dataDir)).rejects.toThrow(/demo.run-1 is running/);
    expect(existsSync(join(inner, 'stack.json'))).toBe(true);
    expect(existsSync(join(dataDir, 'stack.lock'))).toBe(false);
    await stack.stop();
    expect(await resetStack(dataDir)).toBe(true);
  });

  it('takes the folder of an ended process, and ends its servers', async () => {
    const left = spawn('sleep', ['600'], { stdio: 'ignore' });
    const pid = left.pid ?? 0;
    const identity = (await processIdentity(pid)) ?? '';
    await writeFile(join(dataDir, 'stack.lock'), JSON.stringify({ pid: 2 ** 22 + 1, identity: '1' }));
    await writeStackFile(dataDir, {
      owner: { pid: 2 ** 22 + 1, identity: '1' },
      engines: { redis: { url: 'x', source: 'machine', process: { pid, identity } } },
      env: {},
    });
    const stack = await startStack({ ...quiet, dataDir });
    await eventually(async () => expect(await processIdentity(pid)).toBeUndefined());
    expect(stack.attachedTo).toBeUndefined();
    await stack.stop();
  });

  it('does not end a process that only has the number of an old server', async () => {
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    const pid = other.pid ?? 0;
    await writeStackFile(dataDir, {
      owner: { pid, identity: '1' },
      engines: { redis: { url: 'x', source: 'machine', process: { pid, identity: '1' } } },
      env: {},
    });
    await (await startStack({ ...quiet, dataDir })).stop();
    expect(await processIdentity(pid)).toBeDefined();
    other.kill();
  });

  it('attaches to the stack of another process', async () => {
    const stack = await startStack({ ...quiet, dataDir });
    // The owner of the folder becomes another running process.
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    const owner = { pid: other.pid ?? 0, identity: (await processIdentity(other.pid ?? 0)) ?? '' };
    const record = JSON.parse(readFileSync(join(dataDir, 'stack.json'), 'utf8')) as Parameters<
      typeof writeStackFile
    >[1];
    await writeFile(join(dataDir, 'stack.lock'), JSON.stringify(owner));
    await writeStackFile(dataDir, { ...record, owner });
    const attached = await startStack({ ...quiet, dataDir });
    expect(attached).toMatchObject({ attachedTo: owner.pid, redisUrl: stack.redisUrl });
    await attached.stop();
    expect(stack.redis.pid).toBeDefined();
    await expect(startStack({ ...quiet, engines: ['redis', 'postgres'], dataDir })).rejects.toThrow(/has no postgres/);
    other.kill();
    await stack.stop();
  });

  it('stops the others and rejects when one engine fails', async () => {
    // A file where Redis' folder should be.
    await writeFile(join(dataDir, 'redis'), '');
    await expect(startStack({ ...quiet, engines: ['redis', 'postgres'], throwAway: true, dataDir })).rejects.toThrow();
    expect(existsSync(join(dataDir, 'stack.lock'))).toBe(false);
    expect(existsSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
  });
});
