export { appendAudit, secondPerson } from './audit';
export type { AuditRecord } from './audit';
export { Operation } from './operation';
export type { OperationOptions } from './operation';
export { external, transactional } from './write';
export type { ExternalSteps, Write, WriteOptions } from './write';
export { auditDdl, idempotencyGrowthDdl, writeDdl } from './write-tables';
