// A client of the REST API for the tools: JSON in, JSON out. Refusals are errors with a readable message.
import { randomUUID } from 'node:crypto';
import { request } from 'undici';

const TIMEOUT_MS = 15_000;

/** A refusal of the API: a problem document, or another answer without success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    call: string,
  ) {
    super(`${call} answered ${status} ${code}${detail === '' ? '' : `: ${detail}`}`);
  }
}

/** Calls the API at one base URL with one token. */
export class ApiClient {
  constructor(
    readonly baseUrl: string,
    private readonly token: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.call('GET', path, undefined, {});
  }

  /** Sends a command. A repeated `key` has one effect; the default is a new key. */
  post<T>(path: string, body: unknown, key: string = randomUUID()): Promise<T> {
    return this.call('POST', path, body, { 'idempotency-key': key });
  }

  put<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.call('PUT', path, body, headers);
  }

  /** Any call. Throws {@link ApiError} for an answer without success, and the errors of the connection. */
  async call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<T> {
    const answer = await request(`${this.baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const text = await answer.body.text();
    const value = parse(text);
    if (answer.statusCode < 300) return value as T;
    const problem = (typeof value === 'object' && value !== null ? value : {}) as {
      code?: string;
      detail?: string;
      errors?: unknown;
    };
    const detail =
      problem.errors === undefined
        ? (problem.detail ?? text)
        : `${problem.detail ?? ''} ${JSON.stringify(problem.errors)}`;
    throw new ApiError(answer.statusCode, problem.code ?? 'no-problem-document', detail, `${method} ${path}`);
  }
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
