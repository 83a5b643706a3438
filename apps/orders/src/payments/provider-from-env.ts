// The payment provider of a deployment. The deployment names it: a default would let a forgotten key take orders that no
// real provider ever charges.
import type { EnvReader } from '@gravity/kernel';
import type { PaymentProvider } from './payment-provider';
import { readSandboxProvider, SandboxProvider } from './sandbox-provider';

/** Opens the configured provider. It connects with its first command. */
export type OpenPaymentProvider = () => PaymentProvider;

/** The adapters of this build, by the value of PAYMENT_PROVIDER. */
const ADAPTERS: ReadonlyMap<string, (read: EnvReader) => OpenPaymentProvider> = new Map([
  [
    'sandbox',
    (read: EnvReader): OpenPaymentProvider => {
      const options = readSandboxProvider(read);
      return () => new SandboxProvider(options);
    },
  ],
]);

/** Reads PAYMENT_PROVIDER and the keys of the provider that it names. A missing or unknown name is a fault of the reader. */
export function readPaymentProvider(read: EnvReader): OpenPaymentProvider {
  const name = read.text('PAYMENT_PROVIDER');
  const adapter = ADAPTERS.get(name);
  if (adapter !== undefined) return adapter(read);
  const known = [...ADAPTERS.keys()].join(', ');
  read.check(name === '', `PAYMENT_PROVIDER=${name} is not a payment provider (known: ${known})`);
  return () => {
    throw new Error('The configuration was refused.');
  };
}
