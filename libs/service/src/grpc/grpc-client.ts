// Calls another service over gRPC: with a deadline, this service's token, the trace, and retries of what is safe to
// repeat. What the other service refuses comes back as a problem.
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { IdempotencyLevel, loadSync } from '@grpc/proto-loader';
import { type Problem, PROTO_LOADER_OPTIONS, protoPackage, type ProtoPackage } from '@gravity/contracts';
import { backoffMs, err, type EnvReader, monotonicMs, ok, type Result, sleep, systemClock } from '@gravity/kernel';
import { currentTraceparent, SpanKind, withSpan } from '@gravity/observability';
import type { Observable } from 'rxjs';
import { refusalOf, silenceOf } from './grpc-problem';
import { ServiceToken } from './service-token';

const DEADLINE_MS = 2_000;
const ATTEMPTS_MAX = 6;
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 1_000;
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // A connection whose other end is gone without a word is found before many calls run into it.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
};

/** A service that is called over gRPC. */
export type CalledService = Parameters<typeof protoPackage>[0];

export interface GrpcClientOptions {
  /** `host:port` */
  readonly address: string;
  readonly token: ServiceToken;
  /** How long a call with its retries may take unless it says otherwise, in milliseconds. Default 2 seconds. */
  readonly deadlineMs?: number;
}

export interface CallOptions {
  /** How long this call with its retries may take, in milliseconds. */
  readonly deadlineMs?: number;
  /**
   * When the caller's own time is up, in milliseconds since the epoch: the call ends by then, under any deadline. A
   * gRPC handler has it from `ServerUnaryCall.getDeadline()`.
   */
  readonly callerDeadlineMs?: number;
}

/** The methods of a generated client interface, each answering a result. */
export type GrpcClient<Api> = {
  readonly [M in keyof Api]: Api[M] extends (request: infer Q, ...more: never[]) => Observable<infer R>
    ? (request: Q, options?: CallOptions) => Promise<Result<R, Problem>>
    : never;
} & {
  /** Ends the connection; calls under way fail. */
  close(): void;
};

/** Reads `<SERVICE>_GRPC_ADDRESS`, `GRPC_DEADLINE_MS` and the service token, for the `config` of a declaration. */
export function readGrpcClient(read: EnvReader, service: CalledService): GrpcClientOptions {
  return {
    address: read.text(`${service.toUpperCase()}_GRPC_ADDRESS`),
    token: ServiceToken.read(read),
    deadlineMs: read.integer('GRPC_DEADLINE_MS', DEADLINE_MS, { min: 10, max: 60_000 }),
  };
}

/**
 * A client of a service; connects with its first call and again after any loss. `Api` is the generated interface, for
 * instance `CatalogProto.CatalogServiceClient`. Its methods never reject because of the other service: an answer that is
 * a refusal, or that does not come, is an error of the result.
 *
 * Repeated, with a growing pause and inside the deadline, is a call that no service has answered, when the method has no
 * side effects (`idempotency_level` in the proto) or its request carries an idempotency key.
 */
export function grpcClient<Api>(service: CalledService, options: GrpcClientOptions): GrpcClient<Api> {
  const client = new Client(options.address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const methods = methodsOf(protoPackage(service)).map((method) => [
    lowerFirst(method.path.slice(method.path.lastIndexOf('/') + 1)),
    (request: object, call: CallOptions = {}) => new Call(client, service, method, options, request, call).run(),
  ]);
  return { ...Object.fromEntries(methods), close: () => client.close() } as GrpcClient<Api>;
}

type Method = MethodDefinition<object, object> & { readonly options?: { readonly idempotency_level?: string } };

/** One call with its attempts. */
class Call {
  private readonly endsAtMs: number;

  constructor(
    private readonly client: Client,
    private readonly service: string,
    private readonly method: Method,
    private readonly options: GrpcClientOptions,
    private readonly request: object,
    { deadlineMs, callerDeadlineMs = Infinity }: CallOptions,
  ) {
    const own = deadlineMs ?? options.deadlineMs ?? DEADLINE_MS;
    this.endsAtMs = monotonicMs() + Math.min(own, callerDeadlineMs - systemClock.nowMs());
  }

  run(): Promise<Result<object, Problem>> {
    const attributes = { 'rpc.system': 'grpc', 'rpc.method': this.method.path };
    return withSpan(`call ${this.method.path}`, attributes, () => this.attempts(), { kind: SpanKind.CLIENT });
  }

  private async attempts(): Promise<Result<object, Problem>> {
    let tokenIsFresh = false;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.attempt(tokenIsFresh);
      if (!('error' in outcome)) return ok(outcome.reply);
      const { error } = outcome;
      // A token that was rotated a moment ago deserves one more look; the call was not carried out.
      if (error.code === status.UNAUTHENTICATED && !tokenIsFresh && this.leftMs > 0) {
        tokenIsFresh = true;
        continue;
      }
      const refusal = refusalOf(error);
      if (refusal !== undefined) return err(refusal);
      const pauseMs = backoffMs(attempt, RETRY_BASE_MS, RETRY_MAX_MS);
      if (!this.mayRepeat(error) || attempt >= ATTEMPTS_MAX || pauseMs >= this.leftMs)
        return err(silenceOf(error, this.service, this.mayHaveHappened(error)));
      await sleep(pauseMs);
    }
  }

  private async attempt(tokenIsFresh: boolean): Promise<{ reply: object } | { error: ServiceError }> {
    const token = await this.options.token.current(tokenIsFresh);
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token.reveal()}`);
    const traceparent = currentTraceparent();
    if (traceparent !== undefined) metadata.set('traceparent', traceparent);
    const { path, requestSerialize, responseDeserialize } = this.method;
    const deadline = systemClock.nowMs() + Math.max(0, this.leftMs);
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        this.request,
        metadata,
        { deadline },
        (error, reply) => resolve(error === null ? { reply: reply! } : { error }),
      );
    });
  }

  private get leftMs(): number {
    return this.endsAtMs - monotonicMs();
  }

  private get hasNoSideEffects(): boolean {
    return this.method.options?.idempotency_level === IdempotencyLevel.NO_SIDE_EFFECTS;
  }

  private mayRepeat(error: ServiceError): boolean {
    const key = (this.request as { readonly idempotencyKey?: unknown }).idempotencyKey;
    const isSafe = this.hasNoSideEffects || (typeof key === 'string' && key !== '');
    return error.code === status.UNAVAILABLE && isSafe;
  }

  /** A call that was refused at the door has not happened; any other silence may hide an effect. */
  private mayHaveHappened(error: ServiceError): boolean {
    const atTheDoor = error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED;
    return !this.hasNoSideEffects && !atTheDoor;
  }
}

const loaded = new Map<string, readonly Method[]>();

/** The methods of all services of a package; read from its proto once. */
function methodsOf(proto: ProtoPackage): readonly Method[] {
  const known = loaded.get(proto.package);
  if (known !== undefined) return known;
  const definition = loadSync(proto.protoPath, {
    ...PROTO_LOADER_OPTIONS,
    arrays: true,
    includeDirs: [...proto.includeDirs],
  });
  const methods = Object.entries(definition)
    .filter(([name, entry]) => name.startsWith(`${proto.package}.`) && !('format' in entry))
    .flatMap(([, entry]) => Object.values(entry as ServiceDefinition) as Method[]);
  loaded.set(proto.package, methods);
  return methods;
}

const lowerFirst = (text: string): string => text[0]!.toLowerCase() + text.slice(1);
