// Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, five minutes of tolerance,
// several secrets at once so that a secret can be rotated without losing a callback.
import { type Problem, refuse } from '@gravity/contracts';
import { ConfigurationError, type Result, ok } from '@gravity/kernel';
import type { Secret } from '@gravity/observability';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import type { CallbackHeaders } from './payment-provider';

/** Bytes of a callback body. The format recommends at most 20 KB. */
export const CALLBACK_BYTES_MAX = 65_536;
/** Secrets accepted at once: the current one and its neighbours in a rotation. */
export const WEBHOOK_SECRETS_MAX = 4;
/** Signatures read in one header. */
const SIGNATURE_HEADER_CHARS_MAX = 1_024;
/** The id becomes a key in the database: no more than an index takes, and only characters that a text there may have. */
const EVENT_ID = /^[\x21-\x7e]{1,256}$/;
const MIN_SECRET_BYTES = 24;
const SECRET_FORMAT = /^whsec_[A-Za-z0-9+/]+={0,2}$/;

export class WebhookVerifier {
  private readonly keys: readonly Webhook[];

  /** Throws {@link ConfigurationError}, without showing a secret, when one is malformed or shorter than 24 bytes. */
  constructor(secrets: readonly Secret[]) {
    if (secrets.length === 0 || secrets.length > WEBHOOK_SECRETS_MAX) {
      throw new ConfigurationError(
        `PAYMENTS_WEBHOOK_SECRETS needs 1 to ${WEBHOOK_SECRETS_MAX} secrets, has ${secrets.length}.`,
      );
    }
    this.keys = secrets.map((secret, index) => {
      const text = secret.reveal();
      const bytes = Buffer.from(text.slice('whsec_'.length), 'base64').length;
      if (!SECRET_FORMAT.test(text) || bytes < MIN_SECRET_BYTES) {
        throw new ConfigurationError(
          `PAYMENTS_WEBHOOK_SECRETS: entry ${index + 1} is not whsec_ followed by base64 of at least ${MIN_SECRET_BYTES} bytes.`,
        );
      }
      return new Webhook(text);
    });
  }

  /** The event id of a genuine, recent callback. One refusal for every forgery: its reason would help only the forger. */
  verify(headers: CallbackHeaders, rawBody: Buffer): Result<string, Problem> {
    if (rawBody.length > CALLBACK_BYTES_MAX) {
      return refuse('payload-too-large', `A callback has at most ${CALLBACK_BYTES_MAX} bytes.`);
    }
    const id = single(headers['webhook-id']);
    const timestamp = single(headers['webhook-timestamp']);
    const signature = single(headers['webhook-signature']);
    const complete = id !== undefined && timestamp !== undefined && signature !== undefined;
    if (!complete || !/^\d{1,12}$/.test(timestamp) || signature.length > SIGNATURE_HEADER_CHARS_MAX) return invalid();
    if (!EVENT_ID.test(id)) return invalid();
    const required = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    // The signature covers text. Bytes that are not UTF-8 would be replaced on the way there, so they are no genuine body.
    const text = rawBody.toString('utf8');
    if (Buffer.byteLength(text) !== rawBody.length || !Buffer.from(text).equals(rawBody)) return invalid();
    return this.keys.some((key) => matches(key, text, required)) ? ok(id) : invalid();
  }
}

function matches(key: Webhook, text: string, headers: Record<string, string>): boolean {
  try {
    key.verify(text, headers, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid(): Result<never, Problem> {
  return refuse('signature-invalid', 'The callback is not signed with a known secret, or is too old or too new.');
}
