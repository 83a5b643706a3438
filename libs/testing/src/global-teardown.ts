// After a test run: stops the engines that global-setup.ts started, which removes their data too.
import { startedStack } from './global-setup';

/** Jest requires a default export here. */
export default async function globalTeardown(): Promise<void> {
  await startedStack.current?.stop();
}
