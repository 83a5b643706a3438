// Every gRPC method of the process, from the .proto files, and a client for all of them.
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { PROTO_LOADER_OPTIONS, protoPackage } from '@gravity/contracts';

const PACKAGES = [protoPackage('catalog'), protoPackage('orders')];
const DEADLINE_MS = 10_000;

/** The answer to a call. */
export interface GrpcAnswer {
  /** `OK`, `NOT_FOUND`, … */
  readonly status: string;
  /** The error code of a refusal. */
  readonly code: string | undefined;
  readonly details: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- specs look into any answer
  readonly body: any;
}

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, body?: unknown) => void,
) => void;

/** A message type of a .proto file. */
export interface MessageType {
  readonly name: string;
  readonly field: readonly MessageField[];
  /** Includes the entry types of maps. */
  readonly nestedType: readonly MessageType[];
}

export interface MessageField {
  readonly name: string;
  readonly number: number;
  /** `TYPE_STRING`, `TYPE_INT32`, … */
  readonly type: string;
  /** The name of a message type, relative to where it is used: `common.v1.Money`. */
  readonly typeName: string;
}

export class GrpcMethods {
  private readonly clients = new Map<string, Client>();
  private readonly requests = new Map<string, { readonly path: string; readonly type: MessageType }>();
  /** Message types by their short names. */
  readonly types = new Map<string, MessageType>();

  constructor(address: string) {
    for (const { protoPath, includeDirs } of PACKAGES) {
      const loaded = loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] });
      const packages = loadPackageDefinition(loaded);
      for (const [name, entry] of Object.entries(loaded)) {
        if ('format' in entry) {
          this.types.set(name.split('.').at(-1)!, entry.type as MessageType);
          continue;
        }
        const Constructor = name
          .split('.')
          .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], packages);
        const client = new (Constructor as ServiceClientConstructor)(address, credentials.createInsecure());
        for (const [method, { path, requestType }] of Object.entries(entry)) {
          const short = `${name.split('.').at(-1)}.${method}`;
          this.clients.set(short, client);
          this.requests.set(short, { path, type: requestType.type as MessageType });
        }
      }
    }
  }

  /** `ClaimService.PlaceClaim` and so on. */
  get names(): string[] {
    return [...this.clients.keys()].sort();
  }

  /** The type of a method's request. */
  requestType(name: string): MessageType {
    return this.requests.get(name)!.type;
  }

  /** Calls a method. Does not throw for a status. */
  call(name: string, request: object, token?: string): Promise<GrpcAnswer> {
    const client = this.clients.get(name)!;
    const method = (client as unknown as Record<string, UnaryMethod>)[name.split('.')[1]!]!;
    return answered((done) => method.call(client, request, metadataWith(token), inTime(), done));
  }

  /** Calls a method with an encoded message. The body of the answer is not decoded. */
  callRaw(name: string, bytes: Buffer, metadata: Metadata): Promise<GrpcAnswer> {
    const same = (body: Buffer): Buffer => body;
    const { path } = this.requests.get(name)!;
    return answered((done) =>
      this.clients.get(name)!.makeUnaryRequest(path, same, same, bytes, metadata, inTime(), done),
    );
  }

  close(): void {
    for (const client of new Set(this.clients.values())) client.close();
  }
}

/** Metadata with the token, if any. */
export function metadataWith(token?: string): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

const inTime = (): { deadline: number } => ({ deadline: Date.now() + DEADLINE_MS });

function answered(start: (done: (error: ServiceError | null, body?: unknown) => void) => unknown): Promise<GrpcAnswer> {
  return new Promise((resolve) => {
    start((error, body) => {
      const [code] = error?.metadata.get('x-problem-code') ?? [];
      resolve({
        status: status[error === null ? 0 : error.code]!,
        code: code === undefined ? undefined : String(code),
        details: error?.details ?? '',
        body,
      });
    });
  });
}
