// Signing as Standard Webhooks asks: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
import { createHmac } from 'node:crypto';
import type { Secret } from '@gravity/observability';

/** The headers of one delivery attempt. Signed with every secret, so the receiver may rotate at its own time. */
export function signedHeaders(
  secrets: readonly Secret[],
  eventId: string,
  nowMs: number,
  body: string,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const seconds = Math.floor(nowMs / 1_000).toString();
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${eventId}.${seconds}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': eventId, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') };
}
