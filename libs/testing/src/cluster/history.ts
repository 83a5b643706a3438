// The answers that buyers received. The checker of the promises compares them with the stores afterwards.

/** One buyer's wish with one Idempotency-Key. Ids in wire form. */
export interface ClaimWish {
  readonly buyerId: string;
  readonly key: string;
  readonly roundId: string;
  readonly itemId: string;
  readonly quantity: number;
}

/** The outcome of one request of a wish. */
export type ClaimOutcome =
  | {
      readonly kind: 'ok';
      readonly orderId: string;
      readonly totalMinor: number;
      readonly replayed: boolean;
      readonly body: string;
    }
  /** A refusal, by the code of the problem document. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** The service asked for a repetition: no definite answer. */
  | { readonly kind: 'later'; readonly status: number; readonly code: string; readonly retryAfter: string | undefined }
  /** No answer: the request may have been executed. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The connection was refused: the service did not receive the request. */
  | { readonly kind: 'not-sent'; readonly reason: string };

export interface ClaimAttempt {
  readonly target: string;
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
  readonly outcome: ClaimOutcome;
}

/** All requests of one wish, in the order of their answers. */
export interface ClaimRecord {
  readonly wish: ClaimWish;
  readonly attempts: readonly ClaimAttempt[];
}

const WAIT_MAX_MS = 60_000;

/** Collects the answers of many buyers. For specs, so without a bound. Times are monotonic milliseconds. */
export class ClaimHistory {
  private readonly byKey = new Map<string, { wish: ClaimWish; attempts: ClaimAttempt[] }>();
  private readonly waiting: { readonly reached: () => boolean; readonly resolve: () => void }[] = [];
  private okCount = 0;
  private endedCount = 0;

  /** Notes a wish before its first request, so that it is known without any answer. */
  invoked(wish: ClaimWish): void {
    const id = `${wish.buyerId} ${wish.key}`;
    if (!this.byKey.has(id)) this.byKey.set(id, { wish, attempts: [] });
  }

  /** Notes the outcome of one request of a wish, and resolves waits for that many. */
  answered(wish: ClaimWish, attempt: ClaimAttempt): void {
    this.invoked(wish);
    this.byKey.get(`${wish.buyerId} ${wish.key}`)!.attempts.push(attempt);
    if (attempt.outcome.kind === 'ok') this.okCount += 1;
    if (attempt.outcome.kind === 'ok' || attempt.outcome.kind === 'refused') this.endedCount += 1;
    for (const entry of [...this.waiting]) {
      if (!entry.reached()) continue;
      this.waiting.splice(this.waiting.indexOf(entry), 1);
      entry.resolve();
    }
  }

  get records(): readonly ClaimRecord[] {
    return [...this.byKey.values()];
  }

  /** Requests answered with an order so far. */
  get accepted(): number {
    return this.okCount;
  }

  /** Resolves after so many more requests were answered with an order. Rejects after a minute. */
  moreAccepted(count: number): Promise<void> {
    const goal = this.okCount + count;
    return this.until(() => this.okCount >= goal, `${count} more orders`);
  }

  /** Resolves after so many more definite answers. Rejects after a minute. */
  moreAnswers(count: number): Promise<void> {
    const goal = this.endedCount + count;
    return this.until(() => this.endedCount >= goal, `${count} more answers`);
  }

  /** Attempts by the kind of their outcome, refusals and deferrals by code: for reports. */
  summary(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { outcome } of this.records.flatMap((record) => record.attempts)) {
      const name =
        'code' in outcome
          ? `${outcome.kind} ${outcome.code}`
          : 'reason' in outcome
            ? `${outcome.kind} ${outcome.reason}`
            : outcome.kind;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  private until(reached: () => boolean, what: string): Promise<void> {
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const soFar = JSON.stringify(this.summary());
        reject(new Error(`waited ${WAIT_MAX_MS / 1_000} s for ${what}; answers so far: ${soFar}`));
      }, WAIT_MAX_MS);
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.waiting.push({ reached, resolve: wake });
    });
  }
}
