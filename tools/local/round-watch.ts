// Prints the status changes of the rounds of a series.
import { sleep } from '@gravity/kernel';
import type { ApiClient } from '../lib/api-client';
import type { SeededSku } from '../lib/sale-seed';
import { count, type Paint } from '../lib/terminal';

export interface RoundView {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly opensAt: string;
  readonly closesAt: string;
  readonly items: readonly {
    readonly id: string;
    readonly skuId: string;
    readonly quota: number;
    readonly available: number;
    readonly held?: number;
    readonly sold?: number;
    readonly resold?: number;
  }[];
}

const POLL_MS = 1_000;
/** Rounds that opened earlier are not read. */
const LOOK_BACK_MS = 3_600_000;
const LIMIT = 20;

/** Prints a line when a round opens, sells out, closes or settles, until the signal aborts. */
export class RoundWatch {
  private readonly printed = new Map<string, string>();
  private failing = false;

  constructor(
    private readonly operator: ApiClient,
    private readonly sale: { readonly seriesId: string; readonly skus: readonly SeededSku[] },
    private readonly paint: Paint,
    private readonly print: (line: string) => void,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    // Changes before this start are not printed.
    for (const round of await this.rounds().catch(() => []))
      if (round.status !== 'OPEN') this.printed.set(round.id, round.status);
    while (!signal.aborted) {
      try {
        for (const round of await this.rounds()) this.printChange(round);
        this.failing = false;
      } catch (error) {
        if (!this.failing && !signal.aborted)
          this.print(this.paint.yellow(`The rounds cannot be read: ${String(error)}`));
        this.failing = true;
      }
      await sleep(POLL_MS, signal);
    }
  }

  /** The open round, or the next one; undefined before the first round is generated. */
  async current(): Promise<RoundView | undefined> {
    const rounds = await this.rounds();
    return (
      rounds.find(({ status }) => status === 'OPEN' || status === 'SOLD_OUT') ??
      rounds.find(({ status }) => status === 'APPROVED' || status === 'WARMED')
    );
  }

  private async rounds(): Promise<readonly RoundView[]> {
    const from = new Date(Date.now() - LOOK_BACK_MS).toISOString();
    const states = ['APPROVED', 'WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED', 'SETTLED'];
    const upcoming = await this.list(`${filterOf(states.slice(0, 2))}&from=${from}`);
    const begun = await this.list(`${filterOf(states.slice(2, 5))}&from=${from}`);
    // Rounds that are in no list have ended. They are read until their last line is printed.
    const known = new Set([...upcoming, ...begun].map(({ id }) => id));
    const missing = [...this.printed].filter(
      ([id, status]) => !known.has(id) && status !== 'SETTLED' && status !== 'CANCELLED',
    );
    const ended = await Promise.all(missing.map(([id]) => this.operator.get<RoundView>(`/orders/v1/rounds/${id}`)));
    return [...ended, ...begun, ...upcoming];
  }

  private async list(filter: string): Promise<readonly RoundView[]> {
    return (
      await this.operator.get<{ items: RoundView[] }>(
        `/orders/v1/rounds?seriesId=${this.sale.seriesId}&limit=${LIMIT}&${filter}`,
      )
    ).items;
  }

  private printChange(round: RoundView): void {
    const before = this.printed.get(round.id);
    if (before === round.status) return;
    this.printed.set(round.id, round.status);
    const line = this.lineFor(round, before);
    if (line !== undefined)
      this.print(`${this.paint.dim(new Date().toLocaleTimeString('en-GB'))}  round ${round.number}  ${line}`);
  }

  private lineFor(round: RoundView, before: string | undefined): string | undefined {
    const { paint } = this;
    switch (round.status) {
      case 'OPEN':
        return before === 'SOLD_OUT'
          ? `${paint.cyan('second chance')}  ${this.units(round, 'available')} came back`
          : `${paint.green('open')}  ${this.units(round, 'quota')} until ${new Date(round.closesAt).toLocaleTimeString('en-GB')}  ${paint.dim(round.id)}`;
      case 'SOLD_OUT':
        return `${paint.yellow('sold out')}  ${this.units(round, 'sold')} paid, ${this.units(round, 'held')} waiting for payment`;
      case 'CLOSED':
        return `${paint.dim('closed')}  ${this.units(round, 'sold')} paid, ${this.units(round, 'held')} waiting for payment`;
      case 'SETTLED':
        return `${paint.dim('settled')}  ${this.units(round, 'sold')} sold`;
      case 'CANCELLED':
        return paint.yellow('cancelled');
      default:
        return undefined;
    }
  }

  private units(round: RoundView, counter: 'quota' | 'available' | 'held' | 'sold'): string {
    return round.items
      .map((item) => {
        const sku = this.sale.skus.find(({ skuId }) => skuId === item.skuId);
        const units = item[counter] ?? 0;
        return `${count(units)} ${(units === 1 ? sku?.one : sku?.many) ?? item.skuId}`;
      })
      .join(', ');
  }
}

function filterOf(states: readonly string[]): string {
  return states.map((state) => `status=${state}`).join('&');
}
