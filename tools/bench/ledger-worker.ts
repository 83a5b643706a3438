// One process that posts journals of two legs as fast as it can, or writes the same rows raw. Told what to do by its parent.
import { newUuid } from '@gravity/kernel';
import { Ledger } from '@gravity/ledger';
import { type Database, openDatabase } from '@gravity/persistence';

/** As many as the ledger decides with one statement under load. */
const BATCH = 256;

export interface LedgerOrder {
  readonly url: string;
  readonly how: 'ledger' | 'raw';
  /** Journals move one unit from the first of a pair to the second. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Journals under way at a time. */
  readonly clients: number;
  readonly measureMs: number;
}

/** Journals written, and how long it took. */
export interface LedgerCount {
  readonly count: number;
  readonly elapsedMs: number;
}

/** The rows of so many journals and their effect on the balances, judged by nothing: what no ledger can leave out. */
const RAW = `/* writes */ with legs as (
    select n.ordinal, n.id, l.account_id, l.amount
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality as n(id, from_id, to_id, ordinal)
    cross join lateral (values (n.from_id, -1::bigint), (n.to_id, 1::bigint)) as l(account_id, amount)
  ),
  journals as (
    insert into ledger_journals (journal_id, kind, accounts, amounts, batch_id, at)
    select n.id, 'POST', array[n.from_id, n.to_id], array[-1, 1]::bigint[], $4, now()
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as n(id, from_id, to_id)
  ),
  entries as (
    insert into ledger_entries (account_id, sequence, journal_id, batch_id, at, posted, held_in, held_out, balance, pending_in, pending_out)
    select account_id, $4::bigint * 1000 + ordinal, id, $4, now(), amount, 0, 0, amount, 0, 0 from legs
  )
  update ledger_accounts a set balance = a.balance + d.amount, entries = a.entries + d.count
  from (select account_id, sum(amount) as amount, count(*) as count from legs group by account_id) d
  where a.account_id = d.account_id`;

let database: Database | undefined;
let ledger: Ledger | undefined;
let batch = 0;

async function run(order: LedgerOrder): Promise<LedgerCount> {
  database ??= openDatabase({ url: order.url, applicationName: 'bench-ledger', poolSize: 2 });
  ledger ??= new Ledger(database, { service: 'bench' });
  const startedAt = performance.now();
  const until = startedAt + order.measureMs;
  const count = order.how === 'raw' ? await writeRaw(database, order, until) : await post(ledger, order, until);
  return { count, elapsedMs: performance.now() - startedAt };
}

async function post(into: Ledger, { pairs, clients }: LedgerOrder, until: number): Promise<number> {
  let count = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const [from, to] = pairs[count % pairs.length]!;
      count += 1;
      const legs = [
        { accountId: from, amount: -1n },
        { accountId: to, amount: 1n },
      ];
      const result = await into.submit({ kind: 'POST', id: newUuid(), legs });
      if (!result.ok) throw new Error(JSON.stringify(result.error));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return count;
}

async function writeRaw(into: Database, { pairs, clients }: LedgerOrder, until: number): Promise<number> {
  let count = 0;
  const size = Math.min(clients, BATCH);
  while (performance.now() < until) {
    const chosen = Array.from({ length: size }, (_none, index) => pairs[(count + index) % pairs.length]!);
    batch += 1;
    await into.query(
      RAW,
      [chosen.map(() => newUuid()), chosen.map(([from]) => from), chosen.map(([, to]) => to), batch],
      'bench-ledger-raw',
    );
    count += size;
  }
  return count;
}

process.on('message', (order: LedgerOrder) => {
  run(order).then(
    (counted) => process.send!(counted),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
