// Runs a write of the catalogue: one transaction with its idempotency key, its rows and its events in it.
import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, type IdempotentAnswer, fingerprintOf, runIdempotent } from '@gravity/http';
import { type Result, ok } from '@gravity/kernel';
import { Database, type Tx } from '@gravity/persistence';
import { Inject, Injectable } from '@nestjs/common';

/** How often a write is run again after a deadlock or a serialization failure. */
const RETRIES = 2;

export interface Command {
  readonly caller: CallerIdentity;
  /** The operation's id: the same key may be used with another operation. */
  readonly operation: string;
  readonly key: string;
  /** Everything the caller asks for: path, body, expected version. */
  readonly request: unknown;
  /** The status of a success. */
  readonly status: number;
}

@Injectable()
export class Commands {
  constructor(@Inject(Database) private readonly db: Database) {}

  /** The work's answer, or the stored one when this key asked for the same before. */
  async run<B>(
    command: Command,
    work: (tx: Tx) => Promise<Result<B, Problem>>,
  ): Promise<Result<IdempotentAnswer<B>, Problem>> {
    const { caller, operation, key, request, status } = command;
    const place = { caller: caller.sub, operation, key, fingerprint: fingerprintOf(request) };
    const once = (tx: Tx): Promise<Result<IdempotentAnswer<B>, Problem>> =>
      runIdempotent(tx, place, async () => {
        const result = await work(tx);
        return result.ok ? ok({ status, body: result.value }) : result;
      });
    return this.db.transaction(once, { retries: RETRIES });
  }
}
