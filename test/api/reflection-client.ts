// A gRPC client that knows nothing but an address: it learns services and messages through reflection, as grpcurl does. The
// reflection protocol itself is written on the wire by hand, so that no code of the server's side explains it to us.
import {
  Client,
  credentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { PROTO_LOADER_OPTIONS } from '@gravity/contracts';

export type ReflectionVersion = 'v1' | 'v1alpha';

const DEADLINE_MS = 10_000;
/** Field numbers of ServerReflectionRequest and ServerReflectionResponse, the same in both versions. */
const ASK = { fileByName: 3, fileBySymbol: 4, list: 7 } as const;
const ANSWER = { files: 4, list: 6, error: 7 } as const;
/** `FileDescriptorSet.file`. */
const SET_FILE = 1;

/** A compiled .proto file as the server sent it. */
export interface DescribedFile {
  readonly name: string;
  readonly imports: readonly string[];
  readonly bytes: Buffer;
}

/** What a call came to. */
export interface Called {
  readonly error: ServiceError | undefined;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- specs look into any answer
  readonly body: any;
}

export class ReflectionClient {
  private readonly client: Client;

  constructor(
    private readonly address: string,
    private readonly version: ReflectionVersion,
  ) {
    this.client = new Client(address, credentials.createInsecure());
  }

  close(): void {
    this.client.close();
  }

  /** Full names of the services that the server lists. */
  async list(): Promise<string[]> {
    const services = fieldsOf(await this.ask(ASK.list, '*', ANSWER.list)).get(1) ?? [];
    return services.map((service) => fieldsOf(service).get(1)![0]!.toString('utf8')).sort();
  }

  /** The files that describe a symbol: its own first, then every import, asked for by name until none is missing. */
  async describe(symbol: string): Promise<Map<string, DescribedFile>> {
    const files = new Map<string, DescribedFile>();
    const take = (sent: readonly DescribedFile[]): void => sent.forEach((file) => files.set(file.name, file));
    take(await this.files(ASK.fileBySymbol, symbol));
    for (const { imports } of files.values()) {
      for (const name of imports) if (!files.has(name)) take(await this.files(ASK.fileByName, name));
    }
    return files;
  }

  /** The one file of this import path. */
  async fileByName(name: string): Promise<DescribedFile | undefined> {
    return (await this.files(ASK.fileByName, name)).find((file) => file.name === name);
  }

  /** A client of a service, built from what {@link describe} gives and nothing else. */
  async clientOf(service: string): Promise<ReflectedService> {
    const files = await this.describe(service);
    const set = Buffer.concat([...files.values()].map(({ bytes }) => field(SET_FILE, bytes)));
    const loaded = loadFileDescriptorSetFromBuffer(set, PROTO_LOADER_OPTIONS);
    let entry: unknown = loadPackageDefinition(loaded);
    for (const part of service.split('.')) entry = (entry as Record<string, unknown>)[part];
    const constructor = entry as ServiceClientConstructor;
    return new ReflectedService(
      new constructor(this.address, credentials.createInsecure()),
      loaded[service] as ServiceDefinition,
    );
  }

  private async files(question: number, text: string): Promise<DescribedFile[]> {
    const answer = fieldsOf(await this.ask(question, text, ANSWER.files));
    return (answer.get(1) ?? []).map((bytes) => {
      const parts = fieldsOf(bytes);
      const imports = (parts.get(3) ?? []).map((name) => name.toString('utf8'));
      return { name: parts.get(1)![0]!.toString('utf8'), imports, bytes };
    });
  }

  private async ask(question: number, text: string, expected: number): Promise<Buffer> {
    const path = `/grpc.reflection.${this.version}.ServerReflection/ServerReflectionInfo`;
    const call = this.client.makeBidiStreamRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
      { deadline: Date.now() + DEADLINE_MS },
    );
    const answers: Buffer[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      call.on('data', (bytes: Buffer) => answers.push(bytes));
      call.on('end', resolve);
      call.on('error', reject);
    });
    call.write(field(question, Buffer.from(text)));
    call.end();
    await ended;
    const parts = fieldsOf(answers[0] ?? Buffer.alloc(0));
    const found = parts.get(expected)?.[0];
    if (found === undefined) throw new Error(`${text}: ${parts.get(ANSWER.error)?.[0]?.toString('utf8')}`);
    return found;
  }
}

/** One service, called by the full names of its methods. */
export class ReflectedService {
  constructor(
    private readonly client: Client,
    private readonly definition: ServiceDefinition,
  ) {}

  close(): void {
    this.client.close();
  }

  /** Names of its methods with one request and one answer. */
  get methods(): string[] {
    const unary = Object.entries(this.definition).filter(
      ([, method]) => !method.requestStream && !method.responseStream,
    );
    return unary.map(([name]) => name);
  }

  call(method: string, request: object, metadata: Metadata): Promise<Called> {
    return new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = this.definition[method]!;
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + DEADLINE_MS },
        (error, body) => resolve({ error: error ?? undefined, body }),
      );
    });
  }
}

/** A field that carries a length, on the wire. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** The fields of a message that carry a length, by their numbers; numbers are skipped. */
export function fieldsOf(message: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at]!;
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  while (at < message.length) {
    const tag = next();
    const value = next();
    if ((tag & 7) === 0) continue;
    if ((tag & 7) !== 2) throw new Error(`wire type ${tag & 7} does not occur in these messages`);
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), message.subarray(at, at + value)]);
    at += value;
  }
  return fields;
}
