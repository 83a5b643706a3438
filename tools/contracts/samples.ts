// The sample events that are committed beside their schemas.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '@gravity/testing';

const FOLDER = 'libs/contracts/src/events/samples';

/** The sample payloads, by event type. Throws SyntaxError when one is not JSON. */
export async function readSamples(): Promise<Readonly<Record<string, unknown>>> {
  const folder = join(projectRoot(), FOLDER);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const read = async (name: string): Promise<[string, unknown]> => [
    name.slice(0, -'.json'.length),
    JSON.parse(await readFile(join(folder, name), 'utf8')),
  ];
  return Object.fromEntries(await Promise.all(names.map(read)));
}
