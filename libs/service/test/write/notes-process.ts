// The notes as a process of their own, which a spec may kill.
import 'reflect-metadata';
import { runService } from '../../src';
import { notesService } from './notes.fixture';

runService(notesService);
