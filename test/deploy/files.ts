// Reads the deployment files of the repository.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { SERVICES as REGISTRY } from '../../apps/services';

export const ROOT = resolve(__dirname, '../..');
/** The names of all services. */
export const SERVICES = REGISTRY.map(({ name }) => name);

/** A Kubernetes object in a file. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly spec?: any; // eslint-disable-line @typescript-eslint/no-explicit-any
  readonly file: string;
}

export const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** One YAML document, with merge keys applied. */
export const yaml = <T>(path: string): T => parse(text(path), { merge: true }) as T;

/** All files below a folder, as paths from the root. */
export function filesBelow(folder: string, fits: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && fits.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((path) => !path.includes('node_modules/'));
}

/** Every object in the YAML files of k8s/. */
export function manifests(): Manifest[] {
  return filesBelow('k8s', /\.yaml$/).flatMap((file) =>
    parseAllDocuments(text(file)).map((document) => ({ ...(document.toJS() as Omit<Manifest, 'file'>), file })),
  );
}

/** `KEY=value` lines. */
export function envFile(path: string): Record<string, string> {
  const lines = text(path)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
