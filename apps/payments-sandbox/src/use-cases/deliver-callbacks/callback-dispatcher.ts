// Delivers the callbacks owed, at least once each: claims due rows, sends up to a fixed number at a time, writes the ends of
// many attempts in one statement. A process that dies in between leaves a lease that runs out, and the row falls due again.
import { APP_LOGGER } from '@gravity/http';
import { type Clock, backoffMs } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import { CLOCK, Loop } from '@gravity/service';
import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'undici';
import { SANDBOX_CONFIG, type SandboxConfig } from '../../sandbox-config';
import { type AttemptResult, type ClaimedDelivery, DeliveryRepository } from '../../storage/delivery.repository';
import { signedHeaders } from './signature';

/** Pause between looks at the table when nothing wakes the dispatcher. */
const POLL_MS = 200;
/** On top of the request's own deadline: time to write its result before another process may take the row. */
const LEASE_MARGIN_MS = 5_000;
const BACKOFF_BASE_MS = 250;
const BACKOFF_MAX_MS = 30_000;
/** About sixteen hours of attempts, then the delivery is abandoned and stays in the log. */
const DELIVERY_ATTEMPTS_MAX = 2_000;
/** Slots that must be free before the table is read again, so that claims stay batches under load. */
const CLAIM_MIN = 8;
const ERROR_TEXT_MAX = 200;

@Injectable()
export class CallbackDispatcher extends Loop {
  private readonly pool: Pool;
  private readonly finished: AttemptResult[] = [];
  private readonly inFlight = new Set<Promise<void>>();

  constructor(
    private readonly deliveries: DeliveryRepository,
    @Inject(SANDBOX_CONFIG) private readonly config: SandboxConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(APP_LOGGER) private readonly log: AppLogger,
  ) {
    super({ name: 'callbacks', pauseMs: POLL_MS });
    this.pool = new Pool(config.callbackUrl.origin, {
      connections: config.deliveryConcurrency,
      connect: { timeout: config.deliveryTimeoutMs },
      keepAliveTimeout: 10_000,
    });
  }

  /** Takes no more, lets the attempts under way end and writes how they ended. */
  override async stop(): Promise<void> {
    await super.stop();
    await Promise.all(this.inFlight);
    await this.writeFinished().catch((error: unknown) => {
      this.log.warn('results of callback deliveries not written; they will be delivered again', { error });
    });
    await this.pool.destroy();
  }

  /** While the database is away, results stay in memory and are written when it is back. */
  protected override async turn(): Promise<void> {
    await this.writeFinished();
    await this.claimAndSend();
  }

  /** Appended to while it is written, never more than one result per slot: claims stop while results wait. */
  private async writeFinished(): Promise<void> {
    const ended = [...this.finished];
    await this.deliveries.record(ended);
    this.finished.splice(0, ended.length);
  }

  private async claimAndSend(): Promise<void> {
    const free = this.config.deliveryConcurrency - this.inFlight.size - this.finished.length;
    if (free < Math.min(CLAIM_MIN, this.config.deliveryConcurrency)) return;
    const claimed = await this.deliveries.claim(
      this.clock.nowMs(),
      this.config.deliveryTimeoutMs + LEASE_MARGIN_MS,
      free,
    );
    for (const delivery of claimed) {
      const sending: Promise<void> = this.attempt(delivery).then((result) => {
        this.inFlight.delete(sending);
        this.finished.push(result);
        this.wake();
      });
      this.inFlight.add(sending);
    }
  }

  /** One POST. Never rejects: every end is a result. */
  private async attempt(delivery: ClaimedDelivery): Promise<AttemptResult> {
    const startedMs = this.clock.nowMs();
    try {
      const response = await this.pool.request({
        method: 'POST',
        path: `${this.config.callbackUrl.pathname}${this.config.callbackUrl.search}`,
        headers: {
          'content-type': 'application/json',
          ...signedHeaders(this.config.webhookSecrets, delivery.eventId, startedMs, delivery.body),
        },
        body: delivery.body,
        signal: AbortSignal.timeout(this.config.deliveryTimeoutMs),
      });
      await response.body.dump();
      const accepted = response.statusCode >= 200 && response.statusCode < 300;
      return accepted
        ? this.result(delivery, { status: 'DELIVERED', httpStatus: response.statusCode })
        : this.failure(delivery, `answered ${response.statusCode}`, response.statusCode);
    } catch (error) {
      return this.failure(delivery, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
  }

  private failure(delivery: ClaimedDelivery, error: string, httpStatus?: number): AttemptResult {
    const abandoned = delivery.attempt >= DELIVERY_ATTEMPTS_MAX;
    if (abandoned) this.log.error('callback abandoned', { eventId: delivery.eventId, reason: error });
    const end = {
      status: abandoned ? ('ABANDONED' as const) : ('PENDING' as const),
      error: error.slice(0, ERROR_TEXT_MAX),
    };
    return this.result(delivery, httpStatus === undefined ? end : { ...end, httpStatus });
  }

  private result(
    delivery: ClaimedDelivery,
    end: Pick<AttemptResult, 'status' | 'httpStatus' | 'error'>,
  ): AttemptResult {
    const atMs = this.clock.nowMs();
    const nextDueAtMs = atMs + backoffMs(delivery.attempt, BACKOFF_BASE_MS, BACKOFF_MAX_MS);
    return { deliveryId: delivery.deliveryId, attempt: delivery.attempt, atMs, nextDueAtMs, ...end };
  }
}
