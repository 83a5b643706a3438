// Rate limits per caller. Each process counts, and the counts are added up in Redis a few times per second, so no
// request waits for Redis. Between two exchanges, a caller may get a little more than the limit. A caller's counts go
// to Redis after a tenth of the burst in one process, so many callers with a few requests each cause no traffic to
// Redis. With n processes a caller therefore gets at most n tenths of the burst in addition.
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { ProblemError } from '@gravity/contracts';
import { type Clock, systemClock } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import type { HttpReply } from './fastify-types';
import type { RateLimitRule } from './route-policy';

const FLUSH_EVERY_MS = 150;
const FLUSH_KEYS_MAX = 2_000;
/** Callers of one operation that are counted at a time. */
const SUBJECTS_MAX = 100_000;
const UNSHARED_SHARE = 0.1;
const COMMAND_TIMEOUT_MS = 1_000;
const RECONNECT_DELAY_MAX_MS = 2_000;

interface Subject {
  readonly key: string;
  readonly windowMs: number;
  window: number;
  /** Requests of this window in all processes at the last exchange. */
  shared: number;
  /** Requests in this process since the last exchange. */
  fresh: number;
  previous: number;
}

/**
 * Sliding-window counters: the current window, plus the part of the previous one that is within the window's length.
 */
export class RateLimiter {
  private readonly redis: Redis | undefined;
  /** By operation, then by the name of the caller or address. */
  private readonly subjects = new Map<string, LRUCache<string, Subject>>();
  private readonly changed = new Set<Subject>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private redisDown = false;

  constructor(
    private readonly options: {
      readonly redisUrl?: string | undefined;
      readonly clock?: Clock;
      readonly logger?: AppLogger;
    },
  ) {
    if (options.redisUrl === undefined) return;
    this.redis = new Redis(options.redisUrl, {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_DELAY_MAX_MS),
    });
    // The exchange reports failures. Without a listener, ioredis would print them.
    this.redis.on('error', () => undefined);
  }

  /** Counts one request, or throws `rate-limited`. Over HTTP the reply gets the `RateLimit` headers when it matters. */
  enforce(operation: string, rule: RateLimitRule, subjectName: string, reply?: HttpReply): void {
    this.count(this.unlessSpent(operation, rule, subjectName, reply), rule);
  }

  /** Throws `rate-limited` like {@link enforce} and counts nothing: for limits that count later, by {@link charge}. */
  refuseSpent(operation: string, rule: RateLimitRule, subjectName: string, reply?: HttpReply): void {
    this.unlessSpent(operation, rule, subjectName, reply);
  }

  /** Counts one request under the rule. Never refuses. */
  charge(operation: string, rule: RateLimitRule, subjectName: string): void {
    const nowMs = (this.options.clock ?? systemClock).nowMs();
    this.count(this.subjectOf(operation, rule, subjectName, nowMs), rule);
  }

  private unlessSpent(operation: string, rule: RateLimitRule, subjectName: string, reply?: HttpReply): Subject {
    if (this.redisDown && rule.onRedisDown === 'closed') {
      const detail = 'The rate limit of this operation cannot be checked.';
      throw new ProblemError({ code: 'unavailable', detail, retryAfterSeconds: 1 });
    }
    const nowMs = (this.options.clock ?? systemClock).nowMs();
    const subject = this.subjectOf(operation, rule, subjectName, nowMs);
    const elapsed = (nowMs % subject.windowMs) / subject.windowMs;
    const used = subject.shared + subject.fresh + subject.previous * (1 - elapsed);
    const remaining = Math.floor(rule.burst - used);
    const resetSeconds = Math.max(1, Math.ceil(((1 - elapsed) * subject.windowMs) / 1_000));
    if (reply !== undefined && remaining <= rule.burst / 5) {
      reply.header('ratelimit-policy', `"${operation}";q=${rule.burst};w=${Math.ceil(subject.windowMs / 1_000)}`);
      reply.header('ratelimit', `"${operation}";r=${Math.max(0, remaining - 1)};t=${resetSeconds}`);
    }
    if (remaining < 1) {
      const detail = `At most ${rule.perSecond} requests per second, ${rule.burst} at once.`;
      throw new ProblemError({ code: 'rate-limited', detail, retryAfterSeconds: resetSeconds });
    }
    return subject;
  }

  private count(subject: Subject, rule: RateLimitRule): void {
    subject.fresh += 1;
    if (this.redis !== undefined && subject.fresh + subject.shared > unsharedMax(rule)) {
      this.changed.add(subject);
      this.timer ??= setInterval(() => void this.flush(), FLUSH_EVERY_MS).unref();
    }
  }

  /** Exchanges counts with Redis. A timer calls it every 150 ms while there are counts to exchange. */
  async flush(): Promise<void> {
    this.flushing ??= this.exchange().finally(() => (this.flushing = undefined));
    await this.flushing;
  }

  /** Stops the exchange and the connection. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flushing;
    this.redis?.disconnect();
  }

  private subjectOf(operation: string, rule: RateLimitRule, name: string, nowMs: number): Subject {
    let ofOperation = this.subjects.get(operation);
    if (ofOperation === undefined) {
      ofOperation = new LRUCache({ max: SUBJECTS_MAX, dispose: (subject) => this.changed.delete(subject) });
      this.subjects.set(operation, ofOperation);
    }
    const known = ofOperation.get(name);
    if (known === undefined) {
      const windowMs = Math.max(1_000, Math.ceil((rule.burst / rule.perSecond) * 1_000));
      const window = Math.floor(nowMs / windowMs);
      const key = `${operation}:${rule.scope}:${name}`;
      const subject: Subject = { key, windowMs, window, shared: 0, fresh: 0, previous: 0 };
      ofOperation.set(name, subject);
      return subject;
    }
    const window = Math.floor(nowMs / known.windowMs);
    if (known.window !== window) {
      known.previous = known.window === window - 1 ? known.shared + known.fresh : 0;
      known.window = window;
      known.shared = 0;
      known.fresh = 0;
    }
    return known;
  }

  private async exchange(): Promise<void> {
    if (this.redis === undefined || this.changed.size === 0) return;
    const sent: { subject: Subject; window: number; count: number }[] = [];
    for (const subject of this.changed) {
      if (sent.length >= FLUSH_KEYS_MAX) break;
      this.changed.delete(subject);
      if (subject.fresh > 0) sent.push({ subject, window: subject.window, count: subject.fresh });
    }
    if (sent.length === 0) return;
    try {
      if (this.redis.status === 'wait') await this.redis.connect();
      const pipeline = this.redis.pipeline();
      for (const { subject, window, count } of sent) {
        const key = `rate:${subject.key}:${window}`;
        pipeline.incrby(key, count).pexpire(key, 2 * subject.windowMs);
      }
      const replies = (await pipeline.exec()) ?? [];
      sent.forEach(({ subject, window, count }, index) => {
        const [error, total] = replies[index * 2] ?? [new Error('no reply')];
        if (error) throw error;
        if (subject.window !== window) return;
        subject.shared = Number(total);
        subject.fresh -= count;
      });
      this.noteRedis(false);
    } catch (error) {
      // The counts stay fresh and are sent with the next exchange.
      for (const { subject } of sent) this.changed.add(subject);
      this.noteRedis(true, error);
    }
  }

  private noteRedis(down: boolean, error?: unknown): void {
    if (down !== this.redisDown) {
      if (down) this.options.logger?.warn('rate limits are counted per process: Redis does not answer', { error });
      else this.options.logger?.info('rate limits are shared through Redis again');
    }
    this.redisDown = down;
  }
}

/** Requests of one window that a process does not report. Zero for limits that must not be exceeded without Redis. */
function unsharedMax(rule: RateLimitRule): number {
  return rule.onRedisDown === 'closed' ? 0 : rule.burst * UNSHARED_SHARE;
}
