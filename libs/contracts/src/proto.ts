// The paths of the .proto files, for Nest's gRPC transport; their compiled form, for reflection; and the types
// generated from them. This file exports types and texts alone, so importing the contracts does not load a gRPC stack.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type * as CatalogProto from './generated/gravity/catalog/v1/catalog';
export type * as CommonProto from './generated/gravity/common/v1/money';
export type * as OrdersProto from './generated/gravity/orders/v1/orders';

export { FILE_DESCRIPTORS } from './generated/descriptors';

/** One gRPC package: its name, its file, and the folder that its imports are resolved in. */
export interface ProtoPackage {
  readonly package: string;
  readonly protoPath: string;
  readonly includeDirs: readonly string[];
}

const FOLDER = join('libs', 'contracts', 'proto');
const LEVELS_MAX = 8;

/** The folder of the .proto files, found upwards from this file: the same from sources and from dist/. */
export function protoRoot(): string {
  let folder = __dirname;
  for (let level = 0; level < LEVELS_MAX; level += 1) {
    const candidate = join(folder, FOLDER);
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  throw new Error(`${FOLDER} is not above ${__dirname}`);
}

/** The gRPC package of a service, for instance `protoPackage('catalog')`. */
export function protoPackage(service: 'catalog' | 'orders'): ProtoPackage {
  const root = protoRoot();
  return {
    package: `gravity.${service}.v1`,
    protoPath: join(root, 'gravity', service, 'v1', `${service}.proto`),
    includeDirs: [root],
  };
}

/**
 * The form of messages in code: camelCase fields, 64-bit numbers and enum values as texts, defaults for absent fields.
 */
export const PROTO_LOADER_OPTIONS = { longs: String, enums: String, defaults: true, oneofs: true } as const;
