// Before a test run: starts the engines if a spec of the run needs them. It imports by relative path only, because Jest
// loads this file before its module aliases apply.
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Config } from '@jest/types';
import { ENGINE_NAMES, type EngineName } from './engines/engine';
import { temporaryFolder } from './engines/fresh';
import { startStack, type Stack } from './engines/stack';
import type { StackRecord } from './engines/stack-file';

const NEEDS_ENGINES = /\.(int|api|e2e)\.spec\.ts$/;
const SPEC_ROOTS = ['apps', 'libs', 'tools', 'test'];

/** The stack of this run, for the teardown. */
export const startedStack: { current?: Stack } = {};

/** Jest requires a default export here. */
export default async function globalSetup(config: Config.GlobalConfig): Promise<void> {
  if (!(await runNeedsEngines(config))) return;
  const running = process.env['GRAVITY_TEST_STACK'];
  if (running !== undefined && running !== '') {
    const record = JSON.parse(readFileSync(running, 'utf8')) as StackRecord;
    Object.assign(process.env, record.env);
    return;
  }
  const stack = await startStack({
    dataDir: await temporaryFolder(),
    engines: enginesWanted(),
    ports: 'free',
    throwAway: true,
  });
  startedStack.current = stack;
  // Workers are started after this and inherit the environment.
  Object.assign(process.env, stack.env);
}

function enginesWanted(): readonly EngineName[] {
  const chosen = (process.env['GRAVITY_TEST_ENGINES'] ?? '').split(',').map((name) => name.trim());
  const known = ENGINE_NAMES.filter((name) => chosen.includes(name));
  return known.length === 0 ? ENGINE_NAMES : known;
}

/** True when the run contains a spec that needs engines, or when that is unknown. */
export async function runNeedsEngines(config: Config.GlobalConfig): Promise<boolean> {
  if (config.onlyChanged || config.onlyFailures || config.watch || config.watchAll || config.findRelatedTests)
    return true;
  const specs = (await specFiles(config.rootDir)).filter((path) => NEEDS_ENGINES.test(path));
  const words = config.nonFlagArgs;
  if (config.runTestsByPath) return specs.some((path) => words.some((word) => path.endsWith(word)));
  const patterns = config.testPathPatterns.patterns.map((pattern) => new RegExp(pattern, 'i'));
  if (patterns.length === 0) return specs.length > 0;
  return specs.some((path) =>
    patterns.some((pattern) => pattern.test(path) || pattern.test(`./${relative(config.rootDir, path)}`)),
  );
}

async function specFiles(rootDir: string): Promise<string[]> {
  const lists = SPEC_ROOTS.map(async (folder) => {
    const names = await readdir(join(rootDir, folder), { recursive: true }).catch(() => []);
    return names.filter((name) => name.endsWith('.spec.ts')).map((name) => join(rootDir, folder, name));
  });
  return (await Promise.all(lists)).flat();
}
