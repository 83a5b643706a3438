// `npm run contracts`: writes the files that are generated from code (API documents, diagrams, protobuf code) and checks the
// contracts. With `--check` it writes nothing and fails when a committed file is out of date.
import 'reflect-metadata';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '@gravity/testing';
import { runTool } from '../lib/arguments';
import { type Artifacts, notGenerated, makeArtifacts } from './artifacts';
import { lintApi, unknownCodes } from './lint-api';
import { sampleFaults, unusedCodes } from './lint-code';
import { servedApi } from './served-api';

const USAGE = `Usage: npm run contracts -- [options]

Writes docs/api/openapi.json, docs/api/asyncapi.json, docs/state-machines.md and the code generated from the .proto files,
and checks the contracts.

  --check   write nothing; fail when a committed file is out of date
`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const api = await servedApi();
  const artifacts = await makeArtifacts(api);
  const outdated = [...(await differing(artifacts)), ...(await notGenerated(artifacts))];
  if (values.check !== true) await write(artifacts, outdated);
  const faults = [...lintApi(api), ...unknownCodes(api), ...(await unusedCodes()), ...(await sampleFaults())];
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (values.check === true && outdated.length > 0) {
    for (const path of outdated) process.stderr.write(`${path} is out of date\n`);
    process.stderr.write('Run `npm run contracts` and commit the changed files.\n');
    return 1;
  }
  if (faults.length > 0) return 1;
  const operations = Object.values(api.paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
  process.stderr.write(
    `contracts: ${operations} operations, ${artifacts.size} files ${values.check === true ? 'as committed' : 'up to date'}\n`,
  );
  return 0;
}

/** Files that are missing or differ. */
async function differing(artifacts: Artifacts): Promise<string[]> {
  const paths: string[] = [];
  for (const [path, content] of artifacts) {
    const committed = await readFile(join(projectRoot(), path), 'utf8').catch(() => undefined);
    if (committed !== content) paths.push(path);
  }
  return paths;
}

async function write(artifacts: Artifacts, outdated: readonly string[]): Promise<void> {
  for (const path of outdated) {
    const target = join(projectRoot(), path);
    const content = artifacts.get(path);
    if (content === undefined) {
      await rm(target);
    } else {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    process.stderr.write(`${content === undefined ? 'removed' : 'wrote'} ${path}\n`);
  }
}

runTool(main, USAGE);
