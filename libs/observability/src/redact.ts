// Masks credentials in log lines, by the name of their field and by their form inside any text.
import { Secret } from './secret';

const MASK = '***';
const DEPTH_MAX = 6;
const ENTRIES_MAX = 100;
const TEXT_LENGTH_MAX = 8_192;

const SECRET_NAME =
  /^(.*[-_.])?(authorization|cookie|set-cookie|password|passwd|secret|token|jwt|api[-_]?key|private[-_]?key|signature|credentials?)$/i;
const SECRET_NAME_CAMEL = /(Password|Secret|Token|ApiKey|PrivateKey|Signature)$/;
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,256}):[^\s/@]{1,512}@/gi;
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;
const WEBHOOK_SECRET = /\bwhsec_[\w+/=-]{4,}/g;
const SECRET_ASSIGNMENT = /\b(password|secret|token|api[-_]?key)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]{3,}/gi;
// JSON escapes the usual control characters. These could still move a terminal's cursor or break a line.
const UNSAFE_CHARACTERS = /[\u007f-\u009f\u2028\u2029]/g;

/** True when a field of this name holds a credential. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) || SECRET_NAME_CAMEL.test(name);
}

/** A text without credentials and without characters that could forge or hide a log line. Bounded in length. */
export function redactText(text: string): string {
  const bounded = text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
  return bounded
    .replace(URL_CREDENTIALS, `$1:${MASK}@`)
    .replace(BEARER, `$1 ${MASK}`)
    .replace(JWT, MASK)
    .replace(WEBHOOK_SECRET, MASK)
    .replace(SECRET_ASSIGNMENT, `$1$2${MASK}`)
    .replace(UNSAFE_CHARACTERS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A copy that is safe to log: secrets masked, errors flattened, depth and size bounded, cycles cut. */
export function redact(value: unknown): unknown {
  return copy(value, 0, new Set());
}

function copy(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Secret) return MASK;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (above.has(value)) return '[circular]';
  if (depth >= DEPTH_MAX) return '[deep]';
  above.add(value);
  const result = copyObject(value, depth, above);
  above.delete(value);
  return result;
}

function copyObject(value: object, depth: number, above: Set<object>): unknown {
  if (value instanceof Error) return copyError(value, depth, above);
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((entry) => copy(entry, depth + 1, above));
  if (value instanceof Set) return [...value].slice(0, ENTRIES_MAX).map((entry) => copy(entry, depth + 1, above));
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value.entries() : Object.entries(value);
  const result: Record<string, unknown> = {};
  let count = 0;
  for (const [key, entry] of entries) {
    if (count >= ENTRIES_MAX) break;
    count += 1;
    const name = redactText(String(key));
    result[name] = isSecretName(name) && entry !== undefined && entry !== null ? MASK : copy(entry, depth + 1, above);
  }
  return result;
}

function copyError(error: Error, depth: number, above: Set<object>): Record<string, unknown> {
  const result: Record<string, unknown> = {
    type: error.name,
    message: redactText(error.message),
    stack: redactText(error.stack ?? ''),
  };
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' || typeof code === 'number') result['code'] = code;
  if (error.cause !== undefined) result['cause'] = copy(error.cause, depth + 1, above);
  if (error instanceof AggregateError) result['errors'] = copy(error.errors, depth + 1, above);
  return result;
}
