// The rows of Postgres that the claim protocol uses, and what a transaction sees of them: its own changes over what is
// committed. Locks are names; a transaction that changes a row holds its name.

export interface SeriesRow {
  series_id: string;
  epoch: number;
  admission: 'GATE' | 'DIRECT';
  gate_run_id: string | null;
  changed_ms: number;
}

export interface RoundRow {
  round_id: string;
  series_id: string;
  status: 'OPEN';
  opens_ms: number;
  closes_ms: number;
  payment_window_seconds: number;
  win_limit: number | null;
}

export interface ItemRow {
  item_id: string;
  round_id: string;
  series_id: string;
  quota: number;
  held: number;
  released: number;
  selling: boolean;
  epoch: number;
  admission: 'GATE' | 'DIRECT';
  per_order_limit: number;
  per_buyer_limit: number;
}

export interface StoredOrder {
  order_id: string;
  claim_id: string;
  fingerprint: string;
  buyer_id: string;
  series_id: string;
  round_id: string;
  item_id: string;
  quantity: number;
  status: 'AWAITING_PAYMENT' | 'CLOSED';
  close_reason: string | null;
  placed_ms: number;
  expires_ms: number;
  closed_ms: number | null;
  sequence: number;
}

export interface Rows {
  series: SeriesRow;
  rounds: RoundRow;
  items: ItemRow;
  orders: StoredOrder;
  wins: { series_id: string; buyer_id: string; wins: number };
  tombstones: { claim_id: string; epoch: string; admission_number: string };
  returns: { return_id: number; claim_id: string; series_id: string; item_id: string };
}

export type TableName = keyof Rows;
type Tables = { readonly [T in TableName]: Map<string, Rows[T]> };
type Changes = Map<TableName, Map<string, object | undefined>>;

export const UNIT_PRICE = 100;

/** The error that Postgres answers a statement with; `code` is the SQLSTATE. */
export class ModelSqlError extends Error {
  readonly severity = 'ERROR';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export class ModelStore {
  readonly tables: Tables = {
    series: new Map(),
    rounds: new Map(),
    items: new Map(),
    orders: new Map(),
    wins: new Map(),
    tombstones: new Map(),
    returns: new Map(),
  };
  private readonly owners = new Map<string, Session>();
  /** Counts commits. */
  version = 0;
  private lastReturnId = 0;

  owner(lock: string): Session | undefined {
    return this.owners.get(lock);
  }

  take(lock: string, session: Session): void {
    this.owners.set(lock, session);
  }

  release(locks: ReadonlySet<string>): void {
    for (const lock of locks) this.owners.delete(lock);
  }

  nextReturnId(): number {
    this.lastReturnId += 1;
    return this.lastReturnId;
  }
}

/** One transaction. */
export class Session {
  private readonly changes: Changes = new Map();
  private readonly locks = new Set<string>();
  /** When its statement arrived at Postgres, before it waited for locks. */
  arrivedMs: number | undefined;
  private over = false;

  constructor(
    private readonly store: ModelStore,
    /** now(): the time the transaction began. */
    readonly startedMs: number,
  ) {}

  get isOver(): boolean {
    return this.over;
  }

  get hasChanges(): boolean {
    return this.changes.size > 0;
  }

  get<T extends TableName>(table: T, key: string): Rows[T] | undefined {
    const committed = this.store.tables[table].get(key);
    const changes = this.changes.get(table);
    if (changes?.has(key) !== true) return committed;
    const change = changes.get(key);
    return change === undefined ? undefined : ({ ...committed, ...change } as Rows[T]);
  }

  all<T extends TableName>(table: T): Rows[T][] {
    const committed = this.store.tables[table] as Map<string, Rows[T]>;
    const changes = this.changes.get(table);
    if (changes === undefined) return [...committed.values()];
    const keys = new Set([...committed.keys(), ...changes.keys()]);
    return [...keys].flatMap((key) => this.get(table, key) ?? []);
  }

  /** Inserts a row, or changes some columns of one. */
  put<T extends TableName>(table: T, key: string, columns: Partial<Rows[T]>): void {
    const known = this.changes.get(table)?.get(key);
    this.changesOf(table).set(key, { ...known, ...columns });
  }

  delete(table: TableName, key: string): void {
    this.changesOf(table).set(key, undefined);
  }

  canLock(lock: string): boolean {
    const owner = this.store.owner(lock);
    return owner === undefined || owner === this;
  }

  lock(lock: string): void {
    this.store.take(lock, this);
    this.locks.add(lock);
  }

  nextReturnId(): number {
    return this.store.nextReturnId();
  }

  commit(): void {
    if (this.over) return;
    this.store.version += 1;
    for (const [table, rows] of this.changes) {
      const target = this.store.tables[table] as Map<string, object>;
      for (const [key, change] of rows) {
        if (change === undefined) target.delete(key);
        else target.set(key, { ...target.get(key), ...change });
      }
    }
    this.rollback();
  }

  /** Does nothing the second time: by then another transaction may hold the same locks. */
  rollback(): void {
    if (this.over) return;
    this.over = true;
    this.store.release(this.locks);
  }

  private changesOf(table: TableName): Map<string, object | undefined> {
    let found = this.changes.get(table);
    if (found === undefined) this.changes.set(table, (found = new Map<string, object | undefined>()));
    return found;
  }
}
