import { Loop } from '@gravity/service';
import { Injectable } from '@nestjs/common';
import { GateKeeper } from './gate-keeper';

/** Brings series back to the gate once Redis is there again, and reloads those whose server has changed. */
@Injectable()
export class GateReconciler extends Loop {
  constructor(private readonly keeper: GateKeeper) {
    super({ name: 'gate-reconciler', pauseMs: 500 });
  }

  protected override async turn(): Promise<number | void> {
    await this.keeper.reconcile();
  }
}
