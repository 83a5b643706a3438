// A service for the specs of the write pipeline: notes, some of them sent to another system, over REST and gRPC.
import { Body, Controller, Get, Inject, Module, Param, Post, Put } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { IsString, Length } from 'class-validator';
import { type Problem, refuse } from '@gravity/contracts';
import { VersionMatch } from '@gravity/http';
import { newUuid, ok, type Result } from '@gravity/kernel';
import { Database, type Tx } from '@gravity/persistence';
import { configOf, coreOf, defineService, external, Operation, transactional, type Write, writeDdl } from '../../src';

export class NoteBody {
  @IsString()
  @Length(1, 200)
  text: string;
}

export interface NoteView {
  readonly id: string;
  readonly text: string;
  readonly version: number;
}

export interface LetterView {
  readonly id: string;
  readonly state: string;
  readonly version: number;
}

/** Steps at which the process of a crash test ends itself. */
export type CrashPoint = 'before-call' | 'after-call' | 'never';

interface NotesConfig {
  /** Where letters go: `POST {outsideUrl}` with the key of the letter. */
  readonly outsideUrl: string;
  readonly crashAt: CrashPoint;
  readonly callTimeoutMs: number;
}

/** Tables of the notes. */
export function notesDdl(): readonly string[] {
  return [
    ...writeDdl(),
    'CREATE TABLE notes (id text PRIMARY KEY, text text NOT NULL, version int NOT NULL DEFAULT 1)',
    // Refuses at COMMIT, once, what another transaction would have made unserializable.
    'CREATE SEQUENCE commits',
    `CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF nextval('commits') = 1 THEN RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure'; END IF;
       RETURN NULL;
     END $$`,
    `CREATE CONSTRAINT TRIGGER late_conflict AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.text = 'late conflict') EXECUTE FUNCTION refuse_once()`,
    'CREATE TABLE letters (id text PRIMARY KEY, state text NOT NULL, version int NOT NULL DEFAULT 1)',
  ];
}

/** The texts whose first attempt meets a serialization failure. */
const failedOnce = new Set<string>();

async function addNote(tx: Tx, { text }: { readonly text: string }): Promise<Result<NoteView, Problem>> {
  const id = newUuid();
  await tx.query('INSERT INTO notes (id, text) VALUES ($1, $2)', [id, text]);
  if (text.startsWith('refused')) return refuse('invalid-transition', 'Not this one.');
  if (text.startsWith('conflict') && !failedOnce.has(text)) {
    failedOnce.add(text);
    await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'try again' USING ERRCODE = 'serialization_failure'; END $$`);
  }
  return ok({ id, text, version: 1 });
}

async function changeNote(tx: Tx, ifMatch: VersionMatch, id: string, text: string): Promise<Result<NoteView, Problem>> {
  const [note] = await tx.query<{ version: number }>('SELECT version FROM notes WHERE id = $1 FOR UPDATE', [id]);
  if (note === undefined) return refuse('not-found', 'There is no such note.');
  const fresh = ifMatch.check(note.version);
  if (!fresh.ok) return fresh;
  await tx.query('UPDATE notes SET text = $2, version = version + 1 WHERE id = $1', [id, text]);
  return ok({ id, text, version: note.version + 1 });
}

async function readNote(tx: Tx, id: string): Promise<Result<NoteView, Problem>> {
  const [note] = await tx.query<NoteView>('SELECT id, text, version FROM notes WHERE id = $1', [id]);
  return note === undefined ? refuse('not-found', 'There is no such note.') : ok(note);
}

@Controller('notes/v1')
class NotesHttp {
  constructor(
    @Inject(configOf('notes')) private readonly config: NotesConfig,
    private readonly database: Database,
  ) {}

  @Get('notes/:id')
  @Operation({ id: 'getNote', callers: ['operator'], summary: 'Reads', problems: ['not-found'] })
  get(@Param('id') id: string): Promise<Result<NoteView, Problem>> {
    return this.database.transaction((tx) => readNote(tx, id));
  }

  @Post('notes')
  @Operation({ id: 'addNote', callers: ['operator', 'buyer'], summary: 'Adds', idempotent: true, audit: true })
  add(@Body() body: NoteBody): Write<NoteView> {
    return transactional(body, (tx) => addNote(tx, body), { reason: 'a spec' });
  }

  @Post('private-notes')
  @Operation({ id: 'addPrivateNote', callers: ['buyer'], summary: 'Adds', idempotent: true })
  addPrivate(@Body() body: NoteBody): Write<NoteView> {
    return transactional(body, (tx) => addNote(tx, body), { replay: readNote });
  }

  @Put('notes/:id')
  @Operation({ id: 'changeNote', callers: ['operator'], summary: 'Changes', ifMatch: true, status: 200, audit: true })
  change(@Param('id') id: string, @Body() body: NoteBody): Write<NoteView> {
    return transactional({ id, body }, (tx, ifMatch) => changeNote(tx, ifMatch, id, body.text));
  }

  @Post('letters')
  @Operation({ id: 'sendLetter', callers: ['operator'], summary: 'Sends', idempotent: true, audit: true })
  send(@Body() body: NoteBody): Write<LetterView> {
    return external({
      input: body,
      callTimeoutMs: this.config.callTimeoutMs,
      record: async (tx) => {
        const id = newUuid();
        await tx.query(`INSERT INTO letters (id, state) VALUES ($1, 'RECORDED')`, [id]);
        return ok({ id });
      },
      call: async ({ id }, signal) => {
        this.crash('before-call');
        const answer = await fetch(`${this.config.outsideUrl}/${encodeURIComponent(body.text)}`, {
          method: 'POST',
          body: id,
          signal,
        });
        if (answer.status >= 500) throw new Error(`the other system answers ${answer.status}`);
        this.crash('after-call');
        return answer.status;
      },
      settle: async (tx, { id }, status) => {
        const state = status === 200 ? 'SENT' : 'REFUSED';
        await tx.query('UPDATE letters SET state = $2, version = version + 1 WHERE id = $1', [id, state]);
        if (status !== 200) return refuse('invalid-transition', 'The other system refuses the letter.');
        return ok({ id, state, version: 2 });
      },
    });
  }

  private crash(point: CrashPoint): void {
    if (this.config.crashAt === point) process.kill(process.pid, 'SIGKILL');
  }
}

interface AddNoteRequest {
  readonly text: string;
  readonly idempotencyKey: string;
}

interface ChangeNoteRequest {
  readonly id: string;
  readonly text: string;
  readonly expectedVersion: number;
}

/** The proto of the notes. */
export const NOTES_PROTO = `syntax = "proto3"; package notes.v1;
service Notes { rpc AddNote(AddNoteRequest) returns (Note); rpc ChangeNote(ChangeNoteRequest) returns (Note); }
message AddNoteRequest { string text = 1; string idempotency_key = 2; }
message ChangeNoteRequest { string id = 1; string text = 2; int32 expected_version = 3; }
message Note { string id = 1; string text = 2; int32 version = 3; }`;

@Controller()
class NotesGrpc {
  @GrpcMethod('Notes', 'AddNote')
  @Operation({ id: 'addNote', callers: ['operator'], summary: 'Adds', idempotent: true, audit: true })
  add(@Payload() { text, idempotencyKey }: AddNoteRequest): Write<NoteView> {
    return transactional({ text }, (tx) => addNote(tx, { text }), { idempotencyKey });
  }

  @GrpcMethod('Notes', 'ChangeNote')
  @Operation({ id: 'changeNote', callers: ['operator'], summary: 'Changes', ifMatch: true })
  change(@Payload() { id, text, expectedVersion }: ChangeNoteRequest): Write<NoteView> {
    const ifMatch = VersionMatch.of(expectedVersion);
    return transactional({ id, text }, (tx, match) => changeNote(tx, match, id, text), { ifMatch });
  }
}

@Module({ imports: [coreOf('notes')], controllers: [NotesHttp, NotesGrpc] })
class NotesModule {}

/** The notes as a service. */
export const notesService = defineService<NotesConfig>({
  name: 'notes',
  config: (read) => ({
    outsideUrl: read.text('NOTES_OUTSIDE_URL', ''),
    crashAt: read.text('NOTES_CRASH_AT', 'never') as CrashPoint,
    callTimeoutMs: read.integer('NOTES_CALL_TIMEOUT_MS', 20_000, { min: 1, max: 60_000 }),
  }),
  features: [NotesModule],
});
