// The compiled .proto files, as gRPC reflection serves them: ours with their comments, and those of the health and reflection
// services that every process offers. The compiler's own output keeps file names, imports and map entries as clients expect.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '@gravity/testing';

const BUF_TIMEOUT_MS = 120_000;
/** Tag of `FileDescriptorSet.file` and of `FileDescriptorProto.name`: field 1, with a length. */
const FIELD_ONE = 0x0a;
const run = promisify(execFile);

/** Folders that imports are resolved in, and what of each is compiled. */
const SOURCES = [
  { folder: 'libs/contracts/proto', paths: ['gravity'], comments: true },
  { folder: 'node_modules/grpc-health-check/proto', paths: ['health'], comments: false },
  { folder: 'node_modules/@grpc/reflection/build/proto', paths: ['grpc'], comments: false },
];

/** TypeScript with one entry per .proto file: its import path, and its `FileDescriptorProto` in Base64. */
export async function descriptorsCode(): Promise<string> {
  const files = new Map<string, string>();
  for (const source of SOURCES) {
    for (const bytes of filesOf(await compiled(source))) files.set(nameOf(bytes), bytes.toString('base64'));
  }
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => `  '${name}': '${text}',\n`);
  return [
    '// Compiled .proto files for gRPC reflection, by import path. `npm run contracts` writes this file.\n\n',
    `export const FILE_DESCRIPTORS: Readonly<Record<string, string>> = {\n${entries.join('')}};\n`,
  ].join('');
}

async function compiled({ folder, paths, comments }: (typeof SOURCES)[number]): Promise<Buffer> {
  const out = await mkdtemp(join(tmpdir(), 'gravity-descriptors-'));
  try {
    const file = join(out, 'set.binpb');
    const only = paths.flatMap((path) => ['--path', join(folder, path)]);
    const info = comments ? [] : ['--exclude-source-info'];
    const args = ['build', folder, ...only, ...info, '--as-file-descriptor-set', '--output', file];
    await run(join(projectRoot(), 'node_modules/.bin/buf'), args, { cwd: projectRoot(), timeout: BUF_TIMEOUT_MS });
    return await readFile(file);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** The files of a FileDescriptorSet, undecoded: decoding and encoding again could lose what the decoder does not know. */
function filesOf(set: Buffer): Buffer[] {
  const files: Buffer[] = [];
  for (let at = 0; at < set.length;) {
    const field = fieldOne(set, at);
    files.push(field.content);
    at = field.end;
  }
  return files;
}

const nameOf = (file: Buffer): string => fieldOne(file, 0).content.toString('utf8');

function fieldOne(bytes: Buffer, start: number): { content: Buffer; end: number } {
  if (bytes[start] !== FIELD_ONE) throw new Error(`buf wrote field ${bytes[start]} where a file or its name belongs`);
  let at = start + 1;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at]!;
    at += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return { content: bytes.subarray(at, at + length), end: at + length };
}
