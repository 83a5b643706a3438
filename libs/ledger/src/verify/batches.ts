// The walk over the batches: hash links, and each journal against its legs, its entries and the journal it refers to.
import type { Database } from '@gravity/persistence';
import { batchHash, entryText, journalText } from '../row-text.sql';
import type { Findings, LedgerProgress } from './report';

/** A step reads as many batches as make about this many rows. */
const STEP_ROWS = 20_000;
const STEP_BATCHES_MAX = 4_096;
const STEP_BATCHES_FIRST = 32;

/** The end of a chain. */
export interface Head {
  readonly chainId: number;
  readonly number: number;
  readonly hash: Buffer;
}

interface BatchRow {
  readonly batch_id: number;
  readonly chain_id: number;
  readonly number: number;
  readonly previous_hash: Buffer;
  readonly hash: Buffer;
  readonly holds: boolean;
  readonly journals: number;
  readonly entries: number;
}

interface Fault {
  readonly subject: string;
  readonly detail: string;
}

const BATCHES = `
  select b.batch_id, b.chain_id, b.number, b.previous_hash, b.hash,
    coalesce(j.count, 0) as journals, coalesce(e.count, 0) as entries,
    b.hash = ${batchHash({
      previous: 'b.previous_hash',
      chainId: 'b.chain_id',
      number: 'b.number',
      at: 'b.at',
      journals: `coalesce(j.text, '')`,
      entries: `coalesce(e.text, '')`,
    })} as holds
  from ledger_batches b
  left join (select j.batch_id, count(*) as count, string_agg(${journalText('j')}, '' order by j.journal_id) as text
    from ledger_journals j where j.batch_id between $1 and $2 group by j.batch_id) j on j.batch_id = b.batch_id
  left join (select e.batch_id, count(*) as count, string_agg(${entryText('e')}, '' order by e.account_id, e.sequence) as text
    from ledger_entries e where e.batch_id between $1 and $2 group by e.batch_id) e on e.batch_id = b.batch_id
  where b.batch_id between $1 and $2
  order by b.batch_id`;

const UNBALANCED = `
  select 'journal ' || j.journal_id as subject, 'legs in ' || coalesce(a.unit, 'an unknown unit') || ' sum to ' || sum(l.amount) as detail
  from ledger_journals j cross join lateral unnest(j.accounts, j.amounts) as l(account_id, amount)
  left join ledger_accounts a on a.account_id = l.account_id
  where j.batch_id between $1 and $2
  group by j.journal_id, a.unit having sum(l.amount) <> 0`;

/** What each leg must have done to its account, against what its entry says. */
const ENTRIES = `
  with legs as (
    select j.journal_id, j.batch_id, j.at, l.account_id,
      case when j.kind in ('POST', 'COMMIT', 'REVERSE') then l.amount else 0 end as posted,
      case j.kind when 'RESERVE' then greatest(l.amount, 0) when 'VOID' then -greatest(l.amount, 0)
        when 'COMMIT' then -greatest(o.amount, 0) else 0 end as held_in,
      case j.kind when 'RESERVE' then greatest(-l.amount, 0) when 'VOID' then -greatest(-l.amount, 0)
        when 'COMMIT' then -greatest(-o.amount, 0) else 0 end as held_out
    from ledger_journals j cross join lateral unnest(j.accounts, j.amounts) as l(account_id, amount)
    left join ledger_journals original on original.journal_id = j.original
    left join lateral (select original.amounts[array_position(original.accounts, l.account_id)] as amount) o on true
    where j.batch_id between $1 and $2
  ),
  entries as (select * from ledger_entries where batch_id between $1 and $2)
  select coalesce('account ' || e.account_id || ' entry ' || e.sequence, 'journal ' || l.journal_id) as subject,
    case when e.account_id is null then 'the leg of account ' || l.account_id || ' has no entry'
      when l.account_id is null then 'journal ' || e.journal_id || ' has no such leg'
      else 'differs from the leg of journal ' || l.journal_id end as detail
  from legs l full join entries e on e.journal_id = l.journal_id and e.account_id = l.account_id
  where (l.batch_id, l.at, l.posted, l.held_in, l.held_out) is distinct from (e.batch_id, e.at, e.posted, e.held_in, e.held_out)`;

const RESOLUTIONS = `
  select 'journal ' || j.journal_id as subject, fault.detail
  from ledger_journals j
  left join ledger_journals o on o.journal_id = j.original
  cross join lateral (values
    (case when j.original is not null and o.journal_id is null then 'what it refers to does not exist' end),
    (case when j.kind in ('COMMIT', 'VOID') and o.kind <> 'RESERVE' then 'it resolves a ' || o.kind end),
    (case when j.kind = 'REVERSE' and o.kind not in ('POST', 'COMMIT') then 'it reverses a ' || o.kind end),
    (case when j.kind = 'REVERSE' and (j.accounts <> o.accounts
        or exists (select from unnest(j.amounts, o.amounts) as l(mine, other) where l.mine <> -l.other)) then 'it is not the opposite' end),
    (case when j.kind = 'VOID' and (j.accounts <> o.accounts or j.amounts <> o.amounts) then 'it gives back something else' end),
    (case when j.kind = 'COMMIT' and (j.accounts <> o.accounts
        or exists (select from unnest(j.amounts, o.amounts) as l(mine, other)
                   where l.mine <> 0 and (sign(l.mine) <> sign(l.other) or abs(l.mine) > abs(l.other)))) then 'it exceeds its reservation' end),
    (case when exists (select from ledger_journals other where other.original = j.original and other.journal_id <> j.journal_id)
       then 'another journal refers to the same one' end),
    (case when j.kind = 'RESERVE' and exists (select from ledger_reservations r where r.journal_id = j.journal_id)
       = exists (select from ledger_journals d where d.original = j.journal_id) then 'it is open and resolved, or neither' end)
  ) as fault(detail)
  where j.batch_id between $1 and $2 and fault.detail is not null`;

/** The ends of all chains as committed, compared with the batches of the same moment. */
export async function readHeads(database: Pick<Database, 'query'>, findings: Findings): Promise<Head[]> {
  const rows = await database.query<{
    chain_id: number;
    number: number | null;
    hash: Buffer | null;
    last: number | null;
  }>(
    `select chain_id, c.number, c.hash, (select max(b.number) from ledger_batches b where b.chain_id = n.chain_id) as last
     from generate_series(1, (select greatest((select max(chain_id) from ledger_chains), (select max(chain_id) from ledger_batches))))
       as n(chain_id)
     left join ledger_chains c using (chain_id) order by chain_id`,
  );
  for (const { chain_id: chainId, number, last } of rows)
    if ((number ?? 0) !== (last ?? 0))
      findings.add(
        'hash-link',
        `chain ${chainId}`,
        `its head is number ${number ?? 0}, its last batch number ${last ?? 0}`,
      );
  // Numbers of chains that were rolled back stay unused.
  return rows.flatMap(({ chain_id: chainId, number, hash }) =>
    number === null || hash === null ? [] : [{ chainId, number, hash }],
  );
}

/** Checks every batch up to these heads; later ones are left to the next check. */
export async function verifyBatches(
  database: Database,
  heads: readonly Head[],
  findings: Findings,
  onProgress: (progress: LedgerProgress) => void,
): Promise<{ batches: number; journals: number; entries: number }> {
  const links = new ChainLinks(heads, findings);
  const total = heads.reduce((sum, { number }) => sum + number, 0);
  const counts = { batches: 0, journals: 0, entries: 0 };
  for (let last = 0, size = STEP_BATCHES_FIRST; ;) {
    const [range] = await database.query<{ low: number | null; high: number | null }>(
      `select min(batch_id) as low, max(batch_id) as high
       from (select batch_id from ledger_batches where batch_id > $1 order by batch_id limit $2) page`,
      [last, size],
    );
    if (range === undefined || range.low === null || range.high === null) break;
    const rows = await verifyStep(database, [range.low, range.high], findings);
    for (const row of rows) if (links.take(row)) counts.batches += 1;
    const stepRows = rows.reduce((sum, row) => sum + row.journals + row.entries, 0);
    counts.journals += rows.reduce((sum, row) => sum + row.journals, 0);
    counts.entries += rows.reduce((sum, row) => sum + row.entries, 0);
    last = range.high;
    size =
      stepRows < STEP_ROWS / 2
        ? Math.min(size * 2, STEP_BATCHES_MAX)
        : stepRows > STEP_ROWS
          ? Math.max(1, size >> 1)
          : size;
    onProgress({ step: 'batches', done: Math.min(counts.batches, total), total });
  }
  return counts;
}

async function verifyStep(
  database: Database,
  range: readonly [number, number],
  findings: Findings,
): Promise<BatchRow[]> {
  const rows = await database.query<BatchRow>(BATCHES, range);
  const faults = async (check: 'sum-zero' | 'entries' | 'resolution', statement: string): Promise<void> => {
    for (const { subject, detail } of await database.query<Fault>(statement, range))
      findings.add(check, subject, detail);
  };
  await faults('sum-zero', UNBALANCED);
  await faults('entries', ENTRIES);
  await faults('resolution', RESOLUTIONS);
  return rows;
}

/** Follows each chain from its first batch to its head. */
class ChainLinks {
  private readonly heads: ReadonlyMap<number, Head>;
  private readonly seen = new Map<number, { number: number; hash: Buffer }>();

  constructor(
    heads: readonly Head[],
    private readonly findings: Findings,
  ) {
    this.heads = new Map(heads.map((head) => [head.chainId, head]));
  }

  /** Takes the next batch. False for one that was committed after the check began: one before it may be under way still. */
  take(row: BatchRow): boolean {
    const head = this.heads.get(row.chain_id);
    if (head === undefined || row.number > head.number) return false;
    const last = this.seen.get(row.chain_id) ?? { number: 0, hash: Buffer.alloc(0) };
    const add = (detail: string): void => this.findings.add('hash-link', `batch ${row.batch_id}`, detail);
    if (!row.holds) add('its rows do not have the hash that was recorded');
    if (row.number !== last.number + 1)
      add(`number ${row.number} of chain ${row.chain_id} follows number ${last.number}`);
    else if (!row.previous_hash.equals(last.hash))
      add(`it does not follow from number ${last.number} of chain ${row.chain_id}`);
    if (row.number === head.number && !row.hash.equals(head.hash)) add(`it is not the head of chain ${row.chain_id}`);
    this.seen.set(row.chain_id, { number: row.number, hash: row.hash });
    return true;
  }
}
