// Nest's gRPC transport with what it leaves out: the port it was given when asked for any free one, health, reflection,
// limits, and a shutdown that finishes the calls in progress.
import {
  type ChannelOptions,
  type sendUnaryData,
  type Server,
  ServerCredentials,
  Server as GrpcJsServer,
  type ServerUnaryCall,
  type ServiceDefinition as GrpcService,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { ServerGrpc } from '@nestjs/microservices';
import { FILE_DESCRIPTORS, PROTO_LOADER_OPTIONS, type ProtoPackage } from '@gravity/contracts';
import { grpcFailure } from './grpc-status';
import type { HealthRegistry } from './health-registry';
import { newRequestId, validRequestId } from './request-id';

const MESSAGE_BYTES_MAX = 1_048_576;
const METADATA_BYTES_MAX = 16_384;
const STREAMS_PER_CONNECTION_MAX = 1_000;
const HEALTH_EVERY_MS = 1_000;

/** How long connections may say nothing. */
export interface GrpcConnectionLimits {
  /** After this long without a sign of life the other side is asked for one. */
  readonly askAfterMs: number;
  /** So long it may take to answer; then it is taken for dead. */
  readonly answerWithinMs: number;
  /** A connection without a call goes after this long, alive or not. Clients open another one with their next call. */
  readonly idleMs: number;
}

/** The limits of a real server. */
export const GRPC_CONNECTION_LIMITS: GrpcConnectionLimits = {
  askAfterMs: 30_000,
  answerWithinMs: 10_000,
  // Longer than the pauses of a busy caller, shorter than the time in which balancers forget a connection.
  idleMs: 300_000,
};

/** Stands for a request whose bytes are no message of its type. */
const BROKEN_MESSAGE = Object.freeze({});

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': 4 * MESSAGE_BYTES_MAX,
  'grpc.max_metadata_size': METADATA_BYTES_MAX,
  'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
};

const channelOptions = (limits: GrpcConnectionLimits): ChannelOptions => ({
  ...CHANNEL_OPTIONS,
  'grpc.keepalive_time_ms': limits.askAfterMs,
  'grpc.keepalive_timeout_ms': limits.answerWithinMs,
  'grpc.max_connection_idle_ms': limits.idleMs,
});

/** One gRPC server for all packages of the process. */
export class GrpcServer extends ServerGrpc {
  private server: Server | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly health = new HealthImplementation({ '': 'NOT_SERVING' });
  /** The port in use, once listening. */
  port = 0;

  constructor(
    private readonly address: { readonly host: string; readonly port: number },
    packages: readonly ProtoPackage[],
    private readonly registry: HealthRegistry,
    private readonly limits: GrpcConnectionLimits = GRPC_CONNECTION_LIMITS,
  ) {
    super({
      url: `${address.host}:${address.port}`,
      package: packages.map((entry) => entry.package),
      protoPath: packages.map((entry) => entry.protoPath),
      loader: {
        ...PROTO_LOADER_OPTIONS,
        arrays: true,
        includeDirs: [...new Set(packages.flatMap((entry) => entry.includeDirs))],
      },
      onLoadPackageDefinition: (loaded: PackageDefinition, server: Server) => {
        const names: string[] = [];
        for (const [name, entry] of Object.entries(loaded)) {
          if ('format' in entry || !isService(entry)) continue;
          names.push(name);
          this.health.setStatus(name, 'NOT_SERVING');
          keepBrokenMessages(entry);
        }
        this.health.addToServer(server);
        addReflection(server, names);
      },
    });
  }

  override async createClient(): Promise<Server> {
    const server = new GrpcJsServer(channelOptions(this.limits));
    this.port = await new Promise<number>((resolve, reject) => {
      const { host, port } = this.address;
      server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.server = server;
    this.timer = setInterval(() => void this.mirrorHealth(), HEALTH_EVERY_MS).unref();
    return server;
  }

  /** Refuses broken messages; everything else goes Nest's way. */
  override createUnaryServiceMethod(methodHandler: Parameters<ServerGrpc['createUnaryServiceMethod']>[0]): UnaryMethod {
    const answer = super.createUnaryServiceMethod(methodHandler) as UnaryMethod;
    return (call, callback) => {
      if (call.request !== BROKEN_MESSAGE) return answer(call, callback);
      const requestId = validRequestId(call.metadata.get('x-request-id')[0]) ?? newRequestId();
      const detail = 'The bytes are not a message of the type that this method takes.';
      callback(grpcFailure({ code: 'invalid-request', detail }, requestId));
    };
  }

  /** Gives the gRPC health service what the readiness probe would answer now. */
  async mirrorHealth(): Promise<void> {
    const { status } = await this.registry.report();
    const serving = status === 'ready' || status === 'degraded' ? 'SERVING' : 'NOT_SERVING';
    const names = (this.health as unknown as { statusMap: Map<string, string> }).statusMap.keys();
    for (const name of names) this.health.setStatus(name, serving);
  }

  /** Takes no new calls and resolves when those in progress are done. */
  async drain(): Promise<void> {
    clearInterval(this.timer);
    const { server } = this;
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  }

  /** Cuts whatever is left. Nest calls it when the application closes. */
  override async close(): Promise<void> {
    clearInterval(this.timer);
    this.server?.forceShutdown();
    this.server = undefined;
  }
}

type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/** Services that every process offers beside its own. */
const PLATFORM_SERVICES = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

/**
 * Lists and describes the services by their compiled files. Descriptors that proto-loader derives from what it has loaded
 * name no imports, so clients cannot resolve the types of other files.
 */
function addReflection(server: Server, services: readonly string[]): void {
  const files = Object.values(FILE_DESCRIPTORS).map((text) => Buffer.from(text, 'base64'));
  // Of a package definition the service reads nothing but the descriptors in it.
  const described = { files: { fileDescriptorProtos: files } } as unknown as PackageDefinition;
  new ReflectionService(described, { services: [...services, ...PLATFORM_SERVICES] }).addToServer(server);
}

type UnaryMethod = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => unknown;

// grpc-js answers INTERNAL, with the decoder's own words, for what is the caller's fault.
function keepBrokenMessages(service: GrpcService): void {
  for (const method of Object.values(service)) {
    const decode = method.requestDeserialize;
    method.requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return decode(bytes) as unknown;
      } catch {
        return BROKEN_MESSAGE;
      }
    };
  }
}

function isService(entry: object): entry is GrpcService {
  return Object.values(entry).every((method) => typeof method === 'object' && method !== null && 'path' in method);
}
