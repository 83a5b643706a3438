// What runs beside the requests: starts with the process and stops in an order that loses nothing. Charges stop first, because
// they owe callbacks; the database closes last, because both write to it.
import { HealthRegistry, ShutdownHooks } from '@gravity/http';
import { Database } from '@gravity/persistence';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CallbackDispatcher } from './use-cases/deliver-callbacks/callback-dispatcher';
import { ChargeSettler } from './use-cases/settle-charges/charge-settler';

@Injectable()
export class Workers implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(ChargeSettler) private readonly settler: ChargeSettler,
    @Inject(CallbackDispatcher) private readonly dispatcher: CallbackDispatcher,
    @Inject(Database) private readonly database: Database,
    @Inject(HealthRegistry) private readonly health: HealthRegistry,
    @Inject(ShutdownHooks) private readonly hooks: ShutdownHooks,
  ) {}

  onApplicationBootstrap(): void {
    this.health.register('payments-sandbox postgres', () => this.database.healthy());
    this.hooks.onDrain('payments-sandbox charges', () => this.settler.stop());
    this.hooks.onDrain('payments-sandbox callbacks', () => this.dispatcher.stop());
    this.dispatcher.start();
    this.settler.start();
  }

  /** Stopping again costs nothing, and covers a process whose start failed half way. */
  async onApplicationShutdown(): Promise<void> {
    await this.settler.stop();
    await this.dispatcher.stop();
    await this.database.close();
  }
}
