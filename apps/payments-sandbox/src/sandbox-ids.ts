// Ids and fingerprints of the provider. They are opaque to its callers, as an outside provider's would be.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { newUuid } from '@gravity/kernel';

const CLIENT_SECRET_BYTES = 24;

/** A new id: intent `pi_`, charge `ch_`, refund `re_`; sorts by creation time. */
export function newSandboxId(kind: 'pi' | 'ch' | 're'): string {
  return `${kind}_${newUuid().replaceAll('-', '')}`;
}

/** The secret that allows paying one intent. */
export function newClientSecret(): string {
  return `pcs_${randomBytes(CLIENT_SECRET_BYTES).toString('base64url')}`;
}

/** Equal for equal requests. It reveals an Idempotency-Key that is reused for another request. */
export function requestHash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** Compares in a time that does not depend on where the texts differ. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
