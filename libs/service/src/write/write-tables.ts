// Tables of the write pipeline, for the migrations of services.
import { idempotencyDdl } from '@gravity/http';

/**
 * What the pipeline adds to a table of keys that an earlier release made: the object of an answer that is stored by
 * reference, and the state of a write that asks another system. All columns are nullable, so older processes go on.
 */
export function idempotencyGrowthDdl(): readonly string[] {
  return [
    `ALTER TABLE idempotency_key
       ADD COLUMN IF NOT EXISTS object_id text,
       ADD COLUMN IF NOT EXISTS recorded jsonb,
       ADD COLUMN IF NOT EXISTS lease_until timestamptz`,
  ];
}

/** Who did what, when and why: a table that only grows. */
export function auditDdl(): readonly string[] {
  return [
    `CREATE TABLE audit_log (
       id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       at timestamptz NOT NULL DEFAULT now(),
       sub text NOT NULL,
       roles text[] NOT NULL,
       operation text NOT NULL,
       object_id text NOT NULL,
       reason text,
       request_id text
     )`,
    'CREATE INDEX audit_log_by_object ON audit_log (object_id, id)',
    `CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       RAISE EXCEPTION 'an audit record never changes' USING ERRCODE = 'integrity_constraint_violation';
     END $$`,
    `CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
       FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`,
    `CREATE TRIGGER audit_log_append_only_truncate BEFORE TRUNCATE ON audit_log
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`,
  ];
}

/** Every table of the pipeline, for the first migration of a service. */
export function writeDdl(): readonly string[] {
  return [...idempotencyDdl(), ...idempotencyGrowthDdl(), ...auditDdl()];
}
