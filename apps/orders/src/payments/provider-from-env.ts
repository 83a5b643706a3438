// Which company moves the money. A deployment names it: a default would let a forgotten key take orders that no real
// provider ever charges.
import { ConfigurationError, type Environment, EnvReader } from '@gravity/kernel';
import type { PaymentProvider } from './payment-provider';
import { sandboxProviderFromEnv } from './sandbox-provider';

/** The adapters of this build, by the value of PAYMENT_PROVIDER. */
const ADAPTERS: ReadonlyMap<string, (env: Environment) => PaymentProvider> = new Map([
  ['sandbox', sandboxProviderFromEnv],
]);

/** The provider that PAYMENT_PROVIDER names, with its own keys read; throws ConfigurationError. */
export function paymentProviderFromEnv(env: Environment): PaymentProvider {
  const read = new EnvReader(env);
  const name = read.text('PAYMENT_PROVIDER');
  read.done();
  const adapter = ADAPTERS.get(name);
  if (adapter !== undefined) return adapter(env);
  const known = [...ADAPTERS.keys()].join(', ');
  throw new ConfigurationError(`Configuration: PAYMENT_PROVIDER=${name} is not a payment provider (known: ${known}).`);
}
