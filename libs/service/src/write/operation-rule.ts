// What the write pipeline knows about an operation; `@Operation` writes it, the interceptor reads it.
import { assert } from '@gravity/kernel';

export const RULE = 'gravity:operation-rule';

export interface OperationRule {
  readonly id: string;
  /** False on a public route. */
  readonly hasCaller: boolean;
  readonly idempotent: boolean;
  readonly ifMatch: boolean;
  readonly status: number;
  readonly audit: boolean;
}

/** The rule of a handler that `@Operation` declares. */
export function ruleOf(handler: object): OperationRule {
  const rule = Reflect.getMetadata(RULE, handler) as OperationRule | undefined;
  assert(rule !== undefined, 'the handler declares no operation');
  return rule;
}
