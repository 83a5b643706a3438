// Pays orders that cost nothing. A committed claim wakes it; the sweep finds the orders of processes that died.
import { Loop } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { CHANGES_MAX } from '../storage/order-writer';
import { PaymentSettler } from '../use-cases/receive-payment-callback/payment-settler';

const PAUSE_MS = 1_000;

@Injectable()
export class FreeOrdersWorker extends Loop {
  constructor(private readonly settler: PaymentSettler) {
    super({ name: 'free-orders', pauseMs: PAUSE_MS });
  }

  protected override async turn(): Promise<number | void> {
    if ((await this.settler.settleFree()) >= CHANGES_MAX) return 0;
  }
}
