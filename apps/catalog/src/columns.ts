// How values of the domain stand in columns that TypeORM reads and writes.
import { toRfc3339 } from '@gravity/kernel';
import type { EntitySchemaColumnOptions } from 'typeorm';

/** Milliseconds in code, timestamptz in the table. */
export const timeColumn = (name: string): EntitySchemaColumnOptions => ({
  type: 'timestamptz',
  name,
  transformer: { to: (ms: number) => toRfc3339(ms), from: (value: Date) => value.getTime() },
});
