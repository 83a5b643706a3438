// Every gRPC method of the process, found in the .proto files, and a client for all of them.
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

/** What a call came to. */
export interface GrpcAnswer {
  /** `OK`, `NOT_FOUND`, … */
  readonly status: string;
  /** Our own code, when it was refused. */
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

export class GrpcMethods {
  private readonly clients = new Map<string, Client>();

  constructor(address: string) {
    for (const { protoPath, includeDirs } of PACKAGES) {
      const loaded = loadSync(protoPath, { ...PROTO_LOADER_OPTIONS, includeDirs: [...includeDirs] });
      const packages = loadPackageDefinition(loaded);
      for (const [name, entry] of Object.entries(loaded)) {
        if ('format' in entry) continue;
        const Constructor = name
          .split('.')
          .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], packages);
        const client = new (Constructor as ServiceClientConstructor)(address, credentials.createInsecure());
        for (const method of Object.keys(entry)) this.clients.set(`${name.split('.').at(-1)}.${method}`, client);
      }
    }
  }

  /** `ClaimService.PlaceClaim` and so on. */
  get names(): string[] {
    return [...this.clients.keys()].sort();
  }

  /** Calls a method; never throws for a status. */
  call(name: string, request: object, token?: string): Promise<GrpcAnswer> {
    const client = this.clients.get(name)!;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const method = (client as unknown as Record<string, UnaryMethod>)[name.split('.')[1]!]!;
    return new Promise((resolve) => {
      method.call(client, request, metadata, { deadline: Date.now() + DEADLINE_MS }, (error, body) =>
        resolve({
          status: status[error === null ? 0 : error.code]!,
          code: error === null ? undefined : String(error.metadata.get('x-problem-code')[0]),
          details: error?.details ?? '',
          body,
        }),
      );
    });
  }

  close(): void {
    for (const client of new Set(this.clients.values())) client.close();
  }
}
