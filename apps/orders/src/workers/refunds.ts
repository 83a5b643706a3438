// Gives money back: asks the provider until it has done so. The refund's id is the idempotency key, so after a crash
// the next process asks again and gets the same refund.
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import pMap from 'p-map';
import { type Currency, idFromUuid, money } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { PAYMENT_PROVIDER, type PaymentProvider, ProviderRefusal } from '../payments/payment-provider';
import { PaymentSettler } from '../use-cases/receive-payment-callback/payment-settler';

const BATCH = 50;
const IN_FLIGHT_MAX = 8;
const LEASE_SECONDS = 10;
/** 10 s, 20 s, … up to about 43 minutes between attempts. A refund is never given up. */
const DOUBLINGS_MAX = 8;

interface DueRefund {
  refund_id: string;
  order_id: string;
  intent_id: string;
  charge_id: string;
  minor: string;
  currency: Currency;
  attempts: number;
}

export interface RefundsOptions {
  readonly pauseMs?: number;
}

@Injectable()
export class RefundsWorker extends Loop {
  private readonly log = new Logger('refunds');

  constructor(
    private readonly database: Database,
    @Inject(PAYMENT_PROVIDER) private readonly provider: PaymentProvider,
    private readonly settler: PaymentSettler,
    @Optional() options: RefundsOptions = {},
  ) {
    super({ name: 'refunds', pauseMs: options.pauseMs ?? 500 });
  }

  /** Tries the refunds that are due, once. Public for tests and for the command line. Returns how many there were. */
  async sweep(): Promise<number> {
    const due = await this.database.query<DueRefund>(
      `update refunds f set attempts = f.attempts + 1,
         next_attempt_at = now() + make_interval(secs => ${LEASE_SECONDS} * power(2, least(f.attempts, ${DOUBLINGS_MAX})))
       from (select refund_id from refunds where status = 'REQUESTED' and next_attempt_at <= now()
             order by next_attempt_at limit ${BATCH} for update skip locked) due
       where f.refund_id = due.refund_id
       returning f.refund_id, f.order_id, f.intent_id, f.charge_id, f.amount_minor::text as minor, f.currency, f.attempts`,
    );
    await pMap(due, (refund) => this.refund(refund), { concurrency: IN_FLIGHT_MAX });
    return due.length;
  }

  protected override async turn(): Promise<number | void> {
    if ((await this.sweep()) >= BATCH) return 0;
  }

  private async refund(due: DueRefund): Promise<void> {
    const charge = { intentId: due.intent_id, chargeId: due.charge_id, amount: money(BigInt(due.minor), due.currency) };
    try {
      // No money was taken, so none goes back, and providers refuse amounts of zero.
      if (charge.amount.minor === 0n) {
        await this.settler.settle({ kind: 'refunded', orderId: due.order_id, charge });
        return;
      }
      const answer = await this.provider.refund({ ...charge, idempotencyKey: idFromUuid('refund', due.refund_id) });
      if (answer.status === 'FAILED') throw new Error('the provider reports FAILED');
      // PENDING: the callback or the next attempt tells the end.
      if (answer.status === 'PENDING') return;
      await this.settler.settle({ kind: 'refunded', orderId: due.order_id, charge, providerRefundId: answer.refundId });
    } catch (error) {
      // The lease is the backoff: the refund is due again by itself. A refusal needs a person, who finds it in the log.
      const text = `refund ${idFromUuid('refund', due.refund_id)}, attempt ${due.attempts}: ${String(error)}`;
      if (error instanceof ProviderRefusal) this.log.error(text);
      else this.log.warn(text);
    }
  }
}
