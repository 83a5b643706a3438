import { Loop } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { GateKeeper } from './gate-keeper';

/** Returns series to the gate when Redis is back, and reloads gates whose server has changed. */
@Injectable()
export class GateReconciler extends Loop {
  constructor(private readonly keeper: GateKeeper) {
    super({ name: 'gate-reconciler', pauseMs: 500 });
  }

  protected override async turn(): Promise<number | void> {
    await this.keeper.reconcile();
  }
}
