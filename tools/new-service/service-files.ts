// The files of a new service: its code, its README, an event with its sample, and its files in k8s/.

/** The spellings of a service's name. */
export interface Names {
  /** `insights` */
  readonly name: string;
  /** `Insights` */
  readonly title: string;
  /** `INSIGHTS` */
  readonly upper: string;
  /** The timestamp of its first migration, in milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Content by path from the root of the repository. */
export function serviceFiles(names: Names): ReadonlyMap<string, string> {
  const { name } = names;
  const src = `apps/${name}/src`;
  return new Map([
    [`${src}/main.ts`, main(names)],
    [`${src}/${name}.service.ts`, declaration(names)],
    [`${src}/notes/note.ts`, aggregate(names)],
    [`${src}/notes/notes.controller.ts`, `${dtos(names)}\n${controllerClass(names)}`],
    [`apps/${name}/README.md`, readme(names)],
    [`libs/contracts/src/events/${name}/note-added.ts`, eventSchema(names)],
    [`libs/contracts/src/events/samples/${name}.note.added.v1.json`, sample()],
    [`k8s/base/${name}/config.env`, `${names.upper}_POOL_SIZE=10\n`],
    [`k8s/base/${name}/kustomization.yaml`, kustomization(names)],
    [`k8s/components/network-policies/${name}.yaml`, networkPolicy(names)],
  ]);
}

const main = ({
  name,
  title,
}: Names): string => `// Starts ${title} alone. \`main.js migrate\` migrates its database instead, and ends.
import 'reflect-metadata';
import { runService } from '@gravity/service';
import { ${name}Service } from './${name}.service';

runService(${name}Service);
`;

const declaration = ({ name, title, timestamp }: Names): string => `// The declaration of ${title}.
import { coreOf, defineService } from '@gravity/service';
import { Module } from '@nestjs/common';
import { CreateNotes${timestamp}, Note } from './notes/note';
import { NotesController } from './notes/notes.controller';

@Module({ imports: [coreOf('${name}')], controllers: [NotesController] })
class NotesModule {}

export const ${name}Service = defineService({
  name: '${name}',
  entities: [Note],
  migrations: [CreateNotes${timestamp}],
  features: [NotesModule],
});
`;

const aggregate = ({
  name,
  timestamp,
}: Names): string => `// A note, the example aggregate: its row, its event and its table. Replace it by the first real one.
import { outboxDdl } from '@gravity/messaging';
import { toRfc3339 } from '@gravity/kernel';
import { type DomainEvent, writeDdl } from '@gravity/service';
import { Column, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';

@Entity('notes')
export class Note {
  @PrimaryColumn('uuid') id: string;
  @Column('text') text: string;
  @Column('int') version: number;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
}

/** The event of a new note. */
export function noteAdded({ id, text, createdAt }: Note): DomainEvent<'${name}.note.added.v1'> {
  const payload = { sequence: 1, noteId: id, text, occurredAt: toRfc3339(createdAt.getTime()) };
  return { type: '${name}.note.added.v1', key: id, payload };
}

/** The first tables: notes, and the tables of the kit. */
export class CreateNotes${timestamp} implements MigrationInterface {
  name = 'CreateNotes${timestamp}';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(outboxDdl());
    for (const statement of writeDdl()) await runner.query(statement);
    await runner.query(\`CREATE TABLE notes (
      id uuid PRIMARY KEY,
      text text NOT NULL,
      version int NOT NULL,
      created_at timestamptz NOT NULL
    )\`);
  }

  async down(): Promise<void> {
    throw new Error('This migration cannot be reverted. Drop the database instead.');
  }
}
`;

const dtos = ({ title }: Names): string => `// Notes over REST: one read, and one idempotent write.
import { refuse } from '@gravity/contracts';
import { valueOrThrow } from '@gravity/http';
import { type Clock, newUuid, ok, toRfc3339 } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import {
  CLOCK,
  CountField,
  Field,
  Operation,
  Outbox,
  PathParam,
  TextField,
  TextViewField,
  TimeField,
  transactional,
  values,
  type Write,
} from '@gravity/service';
import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
import { Note, noteAdded } from './note';

const TEXT_MAX = 200;
/** A uuid. A real aggregate has a prefix in ID_PREFIXES of the kernel, and @IdField and @IdParam. */
const NOTE_ID = values.matching('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 'must be the id of a note');

export class ${title}NoteBody {
  @TextField({ max: TEXT_MAX, example: 'Hello' }) text: string;
}

export class ${title}NoteView {
  @Field(NOTE_ID) id: string;
  @TextViewField({ max: TEXT_MAX }) text: string;
  @CountField() version: number;
  @TimeField() createdAt: string;
}
`;

const controllerClass = ({ name, title }: Names): string => `@Controller('${name}/v1/notes')
export class NotesController {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post()
  @Operation({
    id: 'add${title}Note',
    callers: ['operator'],
    summary: 'Add a note',
    tags: ['${name}'],
    idempotent: true,
    status: 201,
    response: ${title}NoteView,
  })
  add(@Body() body: ${title}NoteBody): Write<${title}NoteView> {
    return transactional(body, async (tx) => {
      const createdAt = new Date(this.clock.nowMs());
      const note = tx.manager.create(Note, { id: newUuid(this.clock), text: body.text, version: 1, createdAt });
      await tx.manager.insert(Note, note);
      await this.outbox.append(tx, [noteAdded(note)]);
      return ok(viewOf(note));
    });
  }

  @Get(':noteId')
  @Operation({
    id: 'get${title}Note',
    callers: ['operator', 'service'],
    summary: 'One note',
    tags: ['${name}'],
    problems: ['not-found'],
    response: ${title}NoteView,
  })
  async get(@PathParam('noteId', NOTE_ID) noteId: string): Promise<${title}NoteView> {
    const { manager } = await this.database.ready();
    const note = await manager.findOneBy(Note, { id: noteId });
    return viewOf(valueOrThrow(note === null ? refuse('not-found', 'There is no such note.') : ok(note)));
  }
}

function viewOf({ id, text, version, createdAt }: Note): ${title}NoteView {
  return { id, text, version, createdAt: toRfc3339(createdAt.getTime()) };
}
`;

const readme = ({ name, title, upper }: Names): string => `# ${name}

Replace this line by the job of ${title}, in one sentence.

- \`src/${name}.service.ts\`: the declaration of the service ([service kit](../../libs/service/README.md)).
- \`src/notes/\`: the example aggregate. \`POST /${name}/v1/notes\` adds a note once per \`Idempotency-Key\` and publishes
  \`${name}.note.added.v1\`; \`GET /${name}/v1/notes/{noteId}\` reads it.

Its database is \`gravity_${name}\` unless \`${upper}_DATABASE_URL\` is set.

## Start it alone

\`npm start\` runs it beside the other services. Alone, with the engines of \`npm run stack\` in another terminal:

\`\`\`sh
eval "$(npm run -s stack -- env)"                      # DATABASE_URL, REDIS_URL, KAFKA_BROKERS
npm run gravity -- migrate ${name}
node dist/tools/secrets/main.js --data-dir .gravity    # the local issuer and the secrets, in .gravity/${name}.env
${upper}_DATABASE_URL= HTTP_PORT=8090 node --env-file=.gravity/${name}.env dist/apps/${name}/src/main.js
\`\`\`

The environment wins over the file, and an empty \`${upper}_DATABASE_URL\` stands for \`DATABASE_URL\`. Then, in a third terminal:

\`\`\`sh
TOKEN=$(npm run -s token -- --role operator --sub op_1)
curl -si http://127.0.0.1:8090/${name}/v1/notes -H "Authorization: Bearer $TOKEN" \\
  -H 'Idempotency-Key: my-first-note' -H 'Content-Type: application/json' -d '{"text":"Hello"}'
curl -s http://127.0.0.1:8090/${name}/v1/notes/… -H "Authorization: Bearer $TOKEN"   # the id of the answer
\`\`\`

The event is in the table \`outbox\`, and a moment later in the topic \`${name}.note\`.
`;

const eventSchema = ({ name, title }: Names): string => `import { sequence, text, time } from '../parts';

/** A note was added to ${title}. */
export const ${name}NoteAdded = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['sequence', 'noteId', 'text', 'occurredAt'],
  properties: {
    sequence,
    noteId: { type: 'string', format: 'uuid', description: 'The note' },
    text,
    occurredAt: time,
  },
} as const;
`;

const sample = (): string => `{
  "sequence": 1,
  "noteId": "01932d42-0fee-7bb6-bc5c-82a5c5d00001",
  "text": "Hello",
  "occurredAt": "2026-11-20T12:00:00.000Z"
}
`;

function kustomization({ name, upper }: Names): string {
  const secret = (key: string): string =>
    `          - { name: ${key}, valueFrom: { secretKeyRef: { name: ${name}-secrets, key: ${key} } } }`;
  const patch = (kind: string, command: string): string => `  - target: { kind: ${kind} }
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/command
        value: [node, dist/apps/${name}/src/main.js${command}]
      - op: add
        path: /spec/template/spec/containers/0/env
        value:
${[`${upper}_DATABASE_URL`, 'REDIS_URL', 'CURSOR_SECRET'].map(secret).join('\n')}`;
  return `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namePrefix: ${name}-
resources:
  - ../app
labels:
  - pairs: { app.kubernetes.io/name: ${name}, app.kubernetes.io/part-of: gravity }
    includeSelectors: true
configMapGenerator:
  - name: config
    envs: [config.env]
patches:
${patch('Deployment', '')}
${patch('Job', ', migrate')}
`;
}

const networkPolicy = ({ name }: Names): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ${name}
spec:
  podSelector: { matchLabels: { app.kubernetes.io/name: ${name} } }
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{ namespaceSelector: { matchLabels: { gravity/role: ingress } } }]
      ports: [{ protocol: TCP, port: 8080 }, { protocol: TCP, port: 8081 }]
  egress:
    - to: [{ podSelector: { matchLabels: { gravity/engine: postgres } } }]
      ports: [{ protocol: TCP, port: 5432 }]
    - to: [{ podSelector: { matchLabels: { gravity/engine: redis } } }]
      ports: [{ protocol: TCP, port: 6379 }]
    - to: [{ podSelector: { matchLabels: { gravity/engine: kafka } } }]
      ports: [{ protocol: TCP, port: 9092 }]
`;
