// Delivers the callbacks owed, at least once each: claims due rows, sends up to a fixed number at a time, writes the ends of
// many attempts in one statement. A process that dies in between leaves a lease that runs out, and the row falls due again.
import { type Clock, backoffMs } from '@gravity/kernel';
import type { AppLogger } from '@gravity/observability';
import { Pool } from 'undici';
import type { SandboxConfig } from '../../sandbox-config';
import type { AttemptResult, ClaimedDelivery, DeliveryRepository } from '../../storage/delivery.repository';
import { Wakeup } from '../../wakeup';
import { signedHeaders } from './signature';

/** How often the table is looked at when nothing wakes the dispatcher. */
const POLL_MS = 200;
/** On top of the request's own deadline: time to write its result before another process may take the row. */
const LEASE_MARGIN_MS = 5_000;
const BACKOFF_BASE_MS = 250;
const BACKOFF_MAX_MS = 30_000;
/** About sixteen hours of tries, then the delivery is given up and stays in the log. */
const MAX_DELIVERY_ATTEMPTS = 2_000;
/** Slots that must be free before the table is asked again, so that claims stay batches under load. */
const MIN_CLAIM = 8;
const PAUSE_AFTER_FAULT_MS = 500;
const ERROR_TEXT_MAX = 200;

export class CallbackDispatcher {
  private readonly pool: Pool;
  private readonly wakeup = new Wakeup();
  private readonly finished: AttemptResult[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private loop: Promise<void> | undefined;
  private stopping = false;

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly config: SandboxConfig,
    private readonly clock: Clock,
    private readonly log: AppLogger,
  ) {
    this.pool = new Pool(config.callbackUrl.origin, {
      connections: config.deliveryConcurrency,
      connect: { timeout: config.deliveryTimeoutMs },
      keepAliveTimeout: 10_000,
    });
  }

  /** Starts the loop; the database may still be away. */
  start(): void {
    this.loop ??= this.run();
  }

  /** Looks at the table now: something was just committed. */
  wake(): void {
    this.wakeup.wake();
  }

  /** Takes no more, lets the attempts under way end and writes how they ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeup.wake();
    await this.loop;
    await this.pool.destroy();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.writeFinished();
        await this.claimAndSend();
        await this.wakeup.wait(POLL_MS);
      } catch (error) {
        // The database is away. What ended meanwhile stays in memory and is written when it is back.
        this.log.warn('callback deliveries paused', { error });
        await this.wakeup.wait(PAUSE_AFTER_FAULT_MS);
      }
    }
    await Promise.all(this.inFlight);
    await this.writeFinished().catch((error: unknown) => {
      this.log.warn('results of callback deliveries not written; they will be delivered again', { error });
    });
  }

  /** Appended to while it is written, never more than one result per slot: claims stop while results wait. */
  private async writeFinished(): Promise<void> {
    const ended = [...this.finished];
    await this.deliveries.record(ended);
    this.finished.splice(0, ended.length);
  }

  private async claimAndSend(): Promise<void> {
    const free = this.config.deliveryConcurrency - this.inFlight.size - this.finished.length;
    if (free < Math.min(MIN_CLAIM, this.config.deliveryConcurrency)) return;
    const claimed = await this.deliveries.claim(
      this.clock.nowMs(),
      this.config.deliveryTimeoutMs + LEASE_MARGIN_MS,
      free,
    );
    for (const delivery of claimed) {
      const sending: Promise<void> = this.attempt(delivery).then((result) => {
        this.inFlight.delete(sending);
        this.finished.push(result);
        this.wakeup.wake();
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
    const abandoned = delivery.attempt >= MAX_DELIVERY_ATTEMPTS;
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
