// The rows that the checks read directly from Postgres, through separate connections, without the services.
import { Client } from 'pg';
import { uuidFromId } from '@gravity/kernel';

/** A sentence about one broken promise. */
export type Violation = string;

/** The result of checking one promise. */
export interface Verdict {
  readonly ok: boolean;
  /** How many facts were checked. */
  readonly checked: number;
  readonly violations: readonly Violation[];
}

/** Counts the checked facts and collects the violations. */
export class Inspection {
  private checked = 0;
  private readonly violations: Violation[] = [];

  /** Checks one fact. `otherwise` describes the violation. */
  expect(holds: boolean, otherwise: () => Violation): void {
    this.checked += 1;
    if (!holds) this.violations.push(otherwise());
  }

  get verdict(): Verdict {
    return { ok: this.violations.length === 0 && this.checked > 0, checked: this.checked, violations: this.violations };
  }
}

/** Connections to the databases, and the round to check. */
export interface SaleDatabases {
  readonly orders: Client;
  readonly payments: Client;
  /** The uuid of the round. */
  readonly roundId: string;
  readonly seriesId: string;
}

/** One order of the round. */
export interface OrderRow {
  readonly order_id: string;
  readonly claim_id: string;
  readonly item_id: string;
  readonly buyer_id: string;
  readonly quantity: number;
  readonly total: string;
  readonly status: 'AWAITING_PAYMENT' | 'PAID' | 'CLOSED' | 'REFUNDING' | 'REFUNDED';
  readonly placed_at: Date;
  readonly expires_at: Date;
  readonly paid_at: Date | null;
  readonly closed_at: Date | null;
  readonly sequence: number;
}

/** The counters of one item. */
export interface ItemRow {
  readonly item_id: string;
  readonly quota: number;
  readonly held: number;
  readonly sold: number;
  readonly written_off: number;
  readonly resold: number;
  readonly released: number;
}

/** Opens a connection for the checks. The caller ends it. */
export async function connectReader(url: string | undefined): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'demo-checks',
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  return client;
}

/** The uuid of an id of the API. Throws when the id has another kind or form. */
export function uuidOf(kind: 'round' | 'series' | 'item' | 'order', id: string): string {
  const uuid = uuidFromId(kind, id);
  if (uuid === undefined) throw new Error(`${id} is not the id of a ${kind}.`);
  return uuid;
}

export async function readOrders({ orders, roundId }: SaleDatabases): Promise<OrderRow[]> {
  const { rows } = await orders.query<OrderRow>(
    `select order_id, claim_id, item_id, buyer_id, quantity, total_minor::text as total, status, placed_at, expires_at,
            paid_at, closed_at, sequence
     from orders where round_id = $1`,
    [roundId],
  );
  return rows;
}

export async function readItems({ orders, roundId }: SaleDatabases): Promise<ItemRow[]> {
  const { rows } = await orders.query<ItemRow>(
    'select item_id, quota, held, sold, written_off, resold, released from round_items where round_id = $1 order by position',
    [roundId],
  );
  return rows;
}
