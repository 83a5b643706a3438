// The notes as a process of their own, which a spec may kill. Configuration: NOTES_DATABASE_URL, NOTES_OUTSIDE_URL,
// NOTES_CRASH_AT.
import 'reflect-metadata';
import { bootServices } from '@gravity/http';
import { type CrashPoint, notesModule } from './notes.fixture';

const { env } = process;
const notes = notesModule({
  url: env['NOTES_DATABASE_URL']!,
  outsideUrl: env['NOTES_OUTSIDE_URL']!,
  crashAt: env['NOTES_CRASH_AT'] as CrashPoint,
});

void bootServices([{ name: 'notes', module: notes, migrate: async () => undefined }], { env });
