// Checks that the code implements the contracts: every error code is used, and every event has a valid sample.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ERRORS, EVENTS, validateEvent } from '@gravity/contracts';
import { projectRoot } from '@gravity/testing';
import { readSamples } from './samples';

const REGISTRY = 'libs/contracts/src/errors.ts';
const CODE_FOLDERS = ['apps', 'libs'];

/** Codes of the registry that the code does not use. */
export async function unusedCodes(): Promise<string[]> {
  const sources = await productSources();
  return Object.keys(ERRORS)
    .filter((code) => !sources.some((source) => source.includes(`'${code}'`)))
    .map((code) => `${REGISTRY}: ${code} is not used`);
}

/** Events without a sample, samples without an event, and invalid samples. */
export async function sampleFaults(): Promise<string[]> {
  const samples = await readSamples();
  const missing = Object.keys(EVENTS).filter((type) => !Object.hasOwn(samples, type));
  const faults = missing.map((type) => `${type}: there is no sample in libs/contracts/src/events/samples`);
  for (const [type, sample] of Object.entries(samples)) {
    const fault = validateEvent(type, sample, 'reader');
    if (fault !== undefined) faults.push(`sample ${type}: ${fault}`);
  }
  return faults;
}

async function productSources(): Promise<string[]> {
  const lists = CODE_FOLDERS.map(async (folder) => {
    const entries = await readdir(join(projectRoot(), folder), { recursive: true });
    return entries.map((path) => join(folder, path));
  });
  const paths = (await Promise.all(lists)).flat().filter(isProductSource);
  return Promise.all(paths.map((path) => readFile(join(projectRoot(), path), 'utf8')));
}

function isProductSource(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.spec.ts') && path !== REGISTRY && !path.includes('/generated/');
}
