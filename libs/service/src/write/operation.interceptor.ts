// Answers what a handler returns: a write is carried out once per key, with its transaction, precondition and audit
// record; anything else is the answer of a read. The same for REST and gRPC.
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { type Problem, ProblemError } from '@gravity/contracts';
import { valueOrThrow } from '@gravity/http';
import { assert, err, ok, type Result } from '@gravity/kernel';
import { Database, type Tx } from '@gravity/persistence';
import { appendAudit } from './audit';
import { ruleOf } from './operation-rule';
import {
  freeKey,
  holdKey,
  type HeldKey,
  type Key,
  keyAfterCall,
  keyInProgress,
  releaseKey,
  type StoredAnswer,
  storeAnswer,
  takeKey,
} from './stored-keys';
import { External, type ExternalSteps, Transactional, type WriteOptions } from './write';
import { presentAnswer, readWriteRequest, type WriteRequest } from './write-request';

/** How often a transaction is run again after a serialization failure or a deadlock. */
const RETRIES_MAX = 3;
const CALL_TIMEOUT_MS = 20_000;
/** The lease of a call outlives its timeout: only a process that is gone is taken over from. */
const LEASE_MARGIN_MS = 10_000;

interface Answer {
  readonly body: object;
  readonly replayed: boolean;
}

@Injectable()
export class OperationInterceptor implements NestInterceptor {
  constructor(private readonly database: Database) {}

  /** Runs after the guard; the handler itself runs after its input was validated. */
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const returned: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
    if (!(returned instanceof Transactional || returned instanceof External)) {
      const answer = isResult(returned) ? valueOrThrow(returned) : returned;
      presentAnswer(context, answer, false);
      return of(answer);
    }
    const write = returned as Transactional<object> | External<object>;
    const request = readWriteRequest(context, ruleOf(context.getHandler()), write);
    const answer = await (write instanceof External
      ? this.runExternal(write.steps, request)
      : this.runTransactional(write, request));
    if (!answer.replayed) {
      const { committed } = write instanceof External ? write.steps : write.options;
      await committed?.(answer.body);
    }
    presentAnswer(context, answer.body, answer.replayed);
    return of(answer.body);
  }

  private runTransactional(write: Transactional<object>, request: WriteRequest): Promise<Answer> {
    return this.transaction(async (tx) => {
      const { key } = request;
      const used = key && (await takeKey(tx, key));
      if (used?.state === 'answered') return replayed(tx, used.answer, write.options);
      if (used !== undefined) throw new ProblemError(keyInProgress(1));
      const body = valueOrThrow(await write.work(tx, request.ifMatch));
      await finish(tx, request, write.options, body);
      return { body, replayed: false };
    });
  }

  private async runExternal(steps: ExternalSteps<object, object, unknown>, request: WriteRequest): Promise<Answer> {
    const { key } = request;
    assert(key !== undefined, `${request.rule.id} asks another system and must be idempotent`);
    const callMs = steps.callTimeoutMs ?? CALL_TIMEOUT_MS;
    const begun = await this.transaction((tx) => begin(tx, key, steps, request, callMs + LEASE_MARGIN_MS));
    if ('body' in begun) return begun;
    try {
      const outcome = await callOutside(steps, begun.recorded, callMs);
      return valueOrThrow(await this.transaction((tx) => settle(tx, key, steps, request, begun.recorded, outcome)));
    } catch (error) {
      // The next request with the key finds out what has happened. Without this line it waits for the lease to run out.
      await releaseKey(this.database, key, begun).catch(() => undefined);
      throw error;
    }
  }

  private transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(work, { retries: RETRIES_MAX });
  }
}

/** A read may return its result as it is: a refusal becomes a problem document, not a 200 with the member `ok`. */
function isResult(returned: unknown): returned is Result<unknown, Problem> {
  if (typeof returned !== 'object' || returned === null || !('ok' in returned)) return false;
  return (returned.ok === true && 'value' in returned) || (returned.ok === false && 'error' in returned);
}

/** The answer of an earlier request, or what a call needs: recorded now, or by a process that is gone. */
async function begin(
  tx: Tx,
  key: Key,
  steps: ExternalSteps<object, object, unknown>,
  request: WriteRequest,
  leaseMs: number,
): Promise<Answer | HeldKey> {
  const used = await takeKey(tx, key);
  if (used?.state === 'answered') return replayed(tx, used.answer, steps);
  if (used?.state === 'running') throw new ProblemError(keyInProgress(used.retryAfterSeconds));
  const recorded = used === undefined ? valueOrThrow(await steps.record(tx, request.ifMatch)) : undefined;
  return holdKey(tx, key, leaseMs, recorded);
}

async function callOutside(
  steps: ExternalSteps<object, object, unknown>,
  recorded: object,
  callMs: number,
): Promise<unknown> {
  try {
    return await steps.call(recorded, AbortSignal.timeout(callMs));
  } catch (cause) {
    const detail = 'The other system did not answer. Repeat the request with the same Idempotency-Key.';
    throw new ProblemError({ code: 'outcome-unknown', detail, retryAfterSeconds: 1 }, { cause });
  }
}

/** Stores the outcome once, whichever of several processes gets here first. */
async function settle(
  tx: Tx,
  key: Key,
  steps: ExternalSteps<object, object, unknown>,
  request: WriteRequest,
  recorded: object,
  outcome: unknown,
): Promise<Result<Answer, Problem>> {
  const after = await keyAfterCall(tx, key, recorded);
  if (after.state === 'answered') return ok(await replayed(tx, after.answer, steps));
  if (after.state === 'gone') return err(keyInProgress(1));
  const result = await steps.settle(tx, recorded, outcome);
  if (!result.ok) {
    await freeKey(tx, key);
    return err(result.error);
  }
  await finish(tx, request, steps, result.value);
  return ok({ body: result.value, replayed: false });
}

async function finish(tx: Tx, request: WriteRequest, options: WriteOptions<object>, body: object): Promise<void> {
  const { rule, caller, key, requestId } = request;
  const objectId = options.objectId?.(body) ?? (body as { id?: string }).id;
  if (rule.audit && caller?.roles.has('operator')) {
    assert(objectId !== undefined, `${rule.id}: the audit record needs the id of an object`);
    await appendAudit(tx, { caller, operation: rule.id, objectId, reason: options.reason, requestId });
  }
  if (key === undefined) return;
  if (options.replay === undefined) return storeAnswer(tx, key, rule.status, { body });
  assert(objectId !== undefined, `${rule.id}: a replay by reference needs the id of an object`);
  await storeAnswer(tx, key, rule.status, { objectId });
}

async function replayed(tx: Tx, answer: StoredAnswer, options: WriteOptions<object>): Promise<Answer> {
  if ('body' in answer) return { body: answer.body as object, replayed: true };
  assert(options.replay !== undefined, 'an answer stored by reference needs a replay');
  return { body: valueOrThrow(await options.replay(tx, answer.objectId)), replayed: true };
}
