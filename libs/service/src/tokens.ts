// Injection tokens of the service kit that are not classes.
import type { ServiceDeclaration } from './declaration';

/** The `Clock` of the kernel that all services share. */
export const CLOCK = Symbol('gravity.clock');

/** The further configuration of a service, as its declaration's `config` returned it. */
export function configOf(service: string): symbol {
  return Symbol.for(`gravity.config.${service}`);
}

/** The declarations that this process was started with, by name. The platform provides it. */
export const DECLARATIONS = Symbol('gravity.declarations');

export type Declarations = ReadonlyMap<string, ServiceDeclaration>;
