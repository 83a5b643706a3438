// Goal: orders takes no money, real or not, through a provider that is not named. Method: the configuration as a process
// reads it, without the name, with one that no adapter has, and with the sandbox's.
import { ConfigurationError, type Environment, EnvReader } from '@gravity/kernel';
import type { PaymentProvider } from './payment-provider';
import { readPaymentProvider } from './provider-from-env';
import { SandboxProvider } from './sandbox-provider';

const SANDBOX = {
  PAYMENTS_PROVIDER_URL: 'http://127.0.0.1:1',
  PAYMENTS_PROVIDER_KEY: 'key-of-the-spec-0123',
  PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};

function providerOf(env: Environment): PaymentProvider {
  const read = new EnvReader(env);
  const open = readPaymentProvider(read);
  read.done();
  return open();
}

it.each([undefined, ''])('refuses to go without a name (%p)', (name) => {
  const act = (): unknown => providerOf({ ...SANDBOX, PAYMENT_PROVIDER: name });
  expect(act).toThrow(new ConfigurationError('Configuration: PAYMENT_PROVIDER is not set.'));
});

it.each(['your-provider', 'Sandbox', 'constructor'])('refuses a provider that it has no adapter for (%s)', (name) => {
  const act = (): unknown => providerOf({ ...SANDBOX, PAYMENT_PROVIDER: name });
  expect(act).toThrow(
    new ConfigurationError(`Configuration: PAYMENT_PROVIDER=${name} is not a payment provider (known: sandbox).`),
  );
});

it('gives the one that is named, configured by its own keys', async () => {
  const provider = providerOf({ ...SANDBOX, PAYMENT_PROVIDER: 'sandbox' });
  expect(provider).toBeInstanceOf(SandboxProvider);
  await provider.close();
  expect(() => providerOf({ PAYMENT_PROVIDER: 'sandbox' })).toThrow(/PAYMENTS_PROVIDER_URL/);
});
