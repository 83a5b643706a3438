// Nest's gRPC transport with additions: the port that was assigned, health, reflection, limits, and a shutdown that
// finishes the calls in progress.
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
import { SpanKind, tracingEnabled, withSpan } from '@gravity/observability';
import { grpcFailure } from './grpc-status';
import type { HealthRegistry } from './health-registry';
import { newRequestId, validRequestId } from './request-id';

const MESSAGE_BYTES_MAX = 1_048_576;
const METADATA_BYTES_MAX = 16_384;
const STREAMS_PER_CONNECTION_MAX = 1_000;
const HEALTH_EVERY_MS = 1_000;

/** Time limits of silent connections. */
export interface GrpcConnectionLimits {
  /** After this long without traffic, the server sends a ping. */
  readonly askAfterMs: number;
  /** After this long without an answer to a ping, the connection is closed. */
  readonly answerWithinMs: number;
  /** After this long without a call, the connection is closed. Clients open another one with their next call. */
  readonly idleMs: number;
}

/** The limits of a production server. */
export const GRPC_CONNECTION_LIMITS: GrpcConnectionLimits = {
  askAfterMs: 30_000,
  answerWithinMs: 10_000,
  // Longer than the pauses of a busy caller, shorter than the idle time after which balancers drop a connection.
  idleMs: 300_000,
};

/** The request in place of bytes that are no message of its type. */
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

  /** Refuses broken messages. Nest handles the others. */
  override createUnaryServiceMethod(methodHandler: Parameters<ServerGrpc['createUnaryServiceMethod']>[0]): UnaryMethod {
    const answer = super.createUnaryServiceMethod(methodHandler) as UnaryMethod;
    return (call, callback) => {
      if (call.request !== BROKEN_MESSAGE) return inTrace(call, callback, answer);
      const requestId = validRequestId(call.metadata.get('x-request-id')[0]) ?? newRequestId();
      const detail = 'The bytes are not a message of the type that this method takes.';
      callback(grpcFailure({ code: 'invalid-request', detail }, requestId));
    };
  }

  /** Sets the gRPC health service to the current readiness. */
  async mirrorHealth(): Promise<void> {
    const { status } = await this.registry.report();
    const serving = status === 'ready' || status === 'degraded' ? 'SERVING' : 'NOT_SERVING';
    const names = (this.health as unknown as { statusMap: Map<string, string> }).statusMap.keys();
    for (const name of names) this.health.setStatus(name, serving);
  }

  /** Takes no new calls, and resolves when the calls in progress have ended. */
  async drain(): Promise<void> {
    clearInterval(this.timer);
    const { server } = this;
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  }

  /** Cuts the remaining calls. Nest calls it when the application closes. */
  override async close(): Promise<void> {
    clearInterval(this.timer);
    this.server?.forceShutdown();
    this.server = undefined;
  }
}

/** Answers inside a span that continues the caller's trace, when traces are on. */
function inTrace(
  call: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
  answer: UnaryMethod,
): unknown {
  if (!tracingEnabled()) return answer(call, callback);
  const [traceparent] = call.metadata.get('traceparent');
  const attributes = { 'rpc.system': 'grpc', 'rpc.method': call.getPath() };
  const answered = (): Promise<void> =>
    new Promise((resolve) => {
      answer(call, (...outcome) => {
        callback(...outcome);
        resolve();
      });
    });
  const parent = typeof traceparent === 'string' ? { parent: traceparent } : {};
  return withSpan(`serve ${call.getPath()}`, attributes, answered, { kind: SpanKind.SERVER, ...parent });
}

type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/** Services of every process. */
const PLATFORM_SERVICES = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

/**
 * Lists and describes the services by their compiled files. The descriptors that proto-loader derives have no imports,
 * so clients could not resolve the types of other files.
 */
function addReflection(server: Server, services: readonly string[]): void {
  const files = Object.values(FILE_DESCRIPTORS).map((text) => Buffer.from(text, 'base64'));
  // The service reads only the descriptors of a package definition.
  const described = { files: { fileDescriptorProtos: files } } as unknown as PackageDefinition;
  new ReflectionService(described, { services: [...services, ...PLATFORM_SERVICES] }).addToServer(server);
}

type UnaryMethod = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => unknown;

// grpc-js answers INTERNAL, with the decoder's message, although the caller sent a broken message.
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
