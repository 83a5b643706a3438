// Pays orders that cost nothing. A committed claim wakes it; the sweep finds the orders of processes that died in between.
import { MAX_CHANGES } from '../storage/order-writer';
import type { PaymentSettler } from '../use-cases/receive-payment-callback/payment-settler';
import { Loop } from './loop';

const PAUSE_MS = 1_000;

export class FreeOrdersWorker extends Loop {
  constructor(private readonly settler: PaymentSettler) {
    super({ name: 'free-orders', pauseMs: PAUSE_MS });
  }

  protected override async turn(): Promise<number | void> {
    if ((await this.settler.settleFree()) >= MAX_CHANGES) return 0;
  }
}
