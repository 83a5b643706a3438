// Every committed file that is generated from code: its path and its current content.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { asyncApiDocument } from '@gravity/contracts';
import type { StateMachine } from '@gravity/kernel';
import { projectRoot } from '@gravity/testing';
import { ORDER_MACHINE } from '../../apps/orders/src/domain/order';
import { roundMachine } from '../../apps/orders/src/domain/round';
import { INTENT_MACHINE } from '../../apps/payments-sandbox/src/domain/intent';
import { descriptorsCode } from './descriptors';
import type { ApiDescription } from './served-api';
import { readSamples } from './samples';

const CONTRACTS = 'libs/contracts';
const GENERATED = `${CONTRACTS}/src/generated`;
const BUF_TIMEOUT_MS = 120_000;
const run = promisify(execFile);

/** File contents by path from the root of the repository. */
export type Artifacts = ReadonlyMap<string, string>;

/** All documents, diagrams and generated code. */
export async function makeArtifacts(api: ApiDescription): Promise<Artifacts> {
  const samples = await readSamples();
  return new Map([
    ['docs/api/openapi.json', json(api)],
    ['docs/api/asyncapi.json', json(asyncApiDocument({ samples }))],
    ['docs/state-machines.md', stateMachines()],
    ...(await generatedCode()),
    [`${GENERATED}/descriptors.ts`, await descriptorsCode()],
  ]);
}

/** Files of a generated folder that are not generated. */
export async function notGenerated(artifacts: Artifacts): Promise<string[]> {
  const present = await filesBelow(join(projectRoot(), GENERATED));
  return present.map((path) => `${GENERATED}/${path}`).filter((path) => !artifacts.has(path));
}

/** JSON with sorted members, so that a diff shows only real changes. */
function json(document: object): string {
  return `${JSON.stringify(sorted(document), null, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

function stateMachines(): string {
  const section = (title: string, source: string, about: string, machine: StateMachine<string>): string =>
    `## ${title}\n\n${about} The table is in [${source}](../${source}).\n\n\`\`\`mermaid\n${machine.toMermaid()}\n\`\`\`\n`;
  return [
    '# State machines\n\nThese diagrams show the tables that guard every write. `npm run contracts` writes this file.\n',
    section('Round', 'apps/orders/src/domain/round.ts', 'A round is one opening of a flash-sale series.', roundMachine),
    section(
      'Order',
      'apps/orders/src/domain/order.ts',
      'An order lives from the accepted claim to the paid or refunded money.',
      ORDER_MACHINE,
    ),
    section(
      'Payment intent of the sandbox',
      'apps/payments-sandbox/src/domain/intent.ts',
      'An intent is one payment at the payment provider for development.',
      INTENT_MACHINE,
    ),
  ].join('\n');
}

/** The code that `buf generate` makes of the .proto files, in a temporary folder. */
async function generatedCode(): Promise<[string, string][]> {
  const root = projectRoot();
  const out = await mkdtemp(join(tmpdir(), 'gravity-contracts-'));
  try {
    const buf = join(root, 'node_modules/.bin/buf');
    await run(buf, ['generate', '--output', out], { cwd: join(root, CONTRACTS), timeout: BUF_TIMEOUT_MS });
    const folder = join(out, 'src/generated');
    const paths = (await filesBelow(folder)).sort();
    return await Promise.all(
      paths.map(async (path): Promise<[string, string]> => [
        `${GENERATED}/${path}`,
        await readFile(join(folder, path), 'utf8'),
      ]),
    );
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
