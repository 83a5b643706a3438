// The tables of the orders service. Every promise that can be a constraint is one: the CHECKs here hold for any process.
import { inboxDdl, outboxDdl } from '@gravity/messaging';
import { idempotencyDdl } from '@gravity/http';

/** What orders knows of each SKU, copied from the catalogue's events: no buying path asks the catalogue. */
const skuSnapshots = `
create table sku_snapshots (
  sku_id uuid primary key,
  product_id uuid not null,
  shop_id uuid not null,
  merchant_id uuid not null,
  title text not null,
  attributes jsonb not null,
  price_minor bigint check (price_minor >= 0),
  currency text,
  price_version_id uuid,
  listed boolean not null,
  sequence bigint not null,
  updated_at timestamptz not null default now()
);`;

/**
 * A series and the template of its rounds. `epoch`, `admission` and `gate_run_id` say which gate may admit claims:
 * every rebuild and every change between GATE and DIRECT takes a new epoch, and the decision refuses any other.
 */
const series = `
create table series (
  series_id uuid primary key,
  title text not null,
  status text not null check (status in ('ACTIVE', 'PAUSED', 'ENDED')),
  time_zone text not null,
  recurrence jsonb not null,
  win_limit int check (win_limit > 0),
  payment_window_seconds int not null check (payment_window_seconds between 1 and 86400),
  leftover text not null check (leftover in ('END', 'CARRY')),
  auto_approve boolean not null,
  warm_ahead_seconds int not null check (warm_ahead_seconds between 1 and 3600),
  rounds_ahead int not null check (rounds_ahead between 1 and 300),
  epoch bigint not null default 0,
  admission text not null default 'GATE' check (admission in ('GATE', 'DIRECT')),
  gate_run_id text,
  admission_changed_at timestamptz not null default now(),
  version int not null default 1,
  created_by text not null,
  created_at timestamptz not null default now()
);
create table series_items (
  series_id uuid not null references series,
  position int not null,
  sku_id uuid not null,
  quota int not null check (quota between 1 and 10000000),
  price_minor bigint not null check (price_minor >= 0),
  currency text not null,
  per_order_limit int not null check (per_order_limit > 0),
  per_buyer_limit int not null check (per_buyer_limit >= per_order_limit),
  regions text[],
  primary key (series_id, sku_id)
);`;

const rounds = `
create table rounds (
  round_id uuid primary key,
  series_id uuid not null references series,
  number int not null,
  status text not null check (status in
    ('DRAFT', 'APPROVED', 'WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED', 'SETTLED', 'CANCELLED')),
  opens_at timestamptz not null,
  closes_at timestamptz not null check (closes_at > opens_at),
  payment_window_seconds int not null,
  win_limit int,
  leftover text not null,
  stopped_reason text,
  version int not null default 1,
  sequence bigint not null default 0,
  created_at timestamptz not null default now(),
  unique (series_id, number),
  unique (series_id, opens_at)
);
create index rounds_live on rounds (opens_at) where status in ('DRAFT', 'APPROVED', 'WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED');`;

/**
 * The counters of a sale item. The CHECK never_oversold is promise P1. `released` counts units given back by closed
 * orders, ever; `resold` those units sold that had been in another buyer's hands before; `first_pass_until` is the
 * order that took the last unit of first hand.
 */
const roundItems = `
create table round_items (
  item_id uuid primary key,
  round_id uuid not null references rounds,
  series_id uuid not null,
  position int not null,
  sku_id uuid not null,
  shop_id uuid not null,
  merchant_id uuid not null,
  title text not null,
  price_version_id uuid not null,
  price_minor bigint not null check (price_minor >= 0),
  currency text not null,
  per_order_limit int not null,
  per_buyer_limit int not null,
  regions text[],
  quota int not null check (quota >= 0),
  held int not null default 0 check (held >= 0),
  sold int not null default 0 check (sold >= 0),
  written_off int not null default 0 check (written_off >= 0),
  resold int not null default 0 check (resold >= 0),
  released int not null default 0 check (released >= 0),
  first_pass_until uuid,
  selling boolean not null default false,
  epoch bigint not null default 0,
  admission text not null default 'GATE',
  unique (round_id, sku_id),
  constraint never_oversold check (held + sold + written_off <= quota)
) with (fillfactor = 50);
create index round_items_series on round_items (series_id);`;

/**
 * An order is its own reservation (held while AWAITING_PAYMENT, sold once PAID) and its own idempotency record:
 * `claim_id` is made from caller and Idempotency-Key, `fingerprint` from the request body.
 *
 * The collation of orders_item_buyer (since migration 4: orders_item_buyer_status) keeps orders_buyer out of the claim's
 * way: by its statistics of a small table the planner takes either, and one of them reads everything the buyer ever
 * ordered.
 */
const orders = `
create table orders (
  order_id uuid primary key,
  claim_id uuid not null,
  admission_number bigint,
  fingerprint text not null,
  buyer_id text not null,
  merchant_id uuid not null,
  shop_id uuid not null,
  series_id uuid not null,
  round_id uuid not null,
  item_id uuid not null,
  quantity int not null check (quantity > 0),
  total_minor bigint not null check (total_minor >= 0),
  currency text not null,
  region_code text not null,
  status text not null check (status in ('AWAITING_PAYMENT', 'PAID', 'CLOSED', 'REFUNDING', 'REFUNDED')),
  close_reason text check (close_reason in ('EXPIRED', 'CANCELLED_BY_BUYER', 'DISCREPANCY')),
  placed_at timestamptz not null,
  expires_at timestamptz not null,
  paid_at timestamptz,
  closed_at timestamptz,
  next_check_at timestamptz,
  check_attempts int not null default 0,
  sequence int not null default 1
) with (fillfactor = 80);
create unique index orders_claim on orders (claim_id);
create index orders_item_buyer on orders (item_id, buyer_id collate "C");
create index orders_buyer on orders (buyer_id, order_id);
create index orders_merchant on orders (merchant_id, order_id);
create index orders_unpaid on orders (expires_at) where status = 'AWAITING_PAYMENT';
create index orders_closed_to_check on orders (next_check_at) where status = 'CLOSED' and next_check_at is not null;
create table order_lines (
  order_id uuid not null,
  line_number int not null,
  sku_id uuid not null,
  title text not null,
  quantity int not null check (quantity > 0),
  unit_price_minor bigint not null,
  price_version_id uuid not null,
  primary key (order_id, line_number)
);`;

/** How often a buyer has won in a series that limits wins; returned when the win is released. */
const wins = `
create table series_wins (
  series_id uuid not null,
  buyer_id text not null,
  wins int not null check (wins >= 0),
  primary key (series_id, buyer_id)
);`;

/** An admission that was given up: the decision refuses it for ever, so a late commit cannot follow. */
const gateNotes = `
create table claim_tombstones (
  claim_id uuid not null,
  admission_number bigint not null,
  epoch bigint not null,
  created_at timestamptz not null default now(),
  primary key (claim_id, epoch, admission_number)
);
create table gate_returns (
  return_id bigint generated always as identity primary key,
  claim_id uuid not null,
  series_id uuid not null,
  item_id uuid not null,
  created_at timestamptz not null default now()
);`;

const payments = `
create table payment_intents (
  intent_id text primary key,
  order_id uuid not null unique references orders,
  provider text not null,
  amount_minor bigint not null,
  currency text not null,
  pay_url text not null,
  client_secret text,
  status text not null check (status in ('PENDING', 'PAID', 'DECLINED', 'CANCELLED')),
  charge_id text,
  created_at timestamptz not null default now()
);
create table payment_callbacks (
  provider text not null,
  event_id text not null,
  type text not null,
  order_id uuid,
  outcome text not null,
  received_at timestamptz not null default now(),
  primary key (provider, event_id)
);
create table late_payments (
  order_id uuid primary key references orders,
  claim_id uuid not null unique,
  decision text not null check (decision in ('HONOURED', 'REFUNDED')),
  reason text not null,
  decided_at timestamptz not null default now()
);
create table refunds (
  refund_id uuid primary key,
  order_id uuid not null references orders,
  intent_id text not null,
  charge_id text not null,
  amount_minor bigint not null,
  currency text not null,
  reason text not null,
  status text not null check (status in ('REQUESTED', 'SUCCEEDED')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null default now(),
  provider_refund_id text,
  created_at timestamptz not null default now(),
  unique (intent_id, charge_id)
);
create index refunds_order on refunds (order_id);
create index refunds_open on refunds (next_attempt_at) where status = 'REQUESTED';`;

/** Dead letters, under the name that they had until migration 7. */
const parkedMessages = `
    create table parked_messages (
      id bigint generated always as identity primary key,
      consumer text not null,
      event_id uuid not null,
      topic text not null,
      partition integer not null,
      "offset" bigint not null,
      key text,
      type text not null,
      payload text not null,
      headers jsonb not null,
      reason text not null,
      attempts integer not null,
      status text not null check (status in ('PARKED', 'REPLAY', 'DISCARDED', 'REPLAYED')),
      parked_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (consumer, event_id)
    );
    create index parked_messages_waiting on parked_messages (consumer, topic, key, id) where status in ('PARKED', 'REPLAY');`;

/** All statements, in order. */
export const ordersSchema: readonly string[] = [
  skuSnapshots,
  series,
  rounds,
  roundItems,
  orders,
  wins,
  gateNotes,
  payments,
  outboxDdl(),
  inboxDdl(),
  parkedMessages,
  ...idempotencyDdl(),
];
