// The statements of gate, sweeper, returns and directory, as effects on rows.
import { type PostgresPlant, type Statement, available, itemLock, tombstoneKey } from './model-decide';
import { type Session, UNIT_PRICE } from './model-tables';

const LIVE = new Set(['AWAITING_PAYMENT', 'PAID']);
const seriesLock = ([seriesId]: readonly unknown[]): string[] => [`series ${seriesId as string}`];
const itemsOf = (session: Session, seriesId: unknown) =>
  session.all('items').filter((item) => item.series_id === seriesId);
const returnLocks = (session: Session, seriesId: unknown): string[] =>
  session.all('returns').flatMap((row) => (row.series_id === seriesId ? [`return ${row.return_id}`] : []));

/** By how the statement begins, blanks counting as one. */
export function gateStatements(plant: PostgresPlant): readonly (readonly [start: string, statement: Statement])[] {
  return [
    ...epochStatements(plant),
    ...loadStatements(),
    ...sweeperStatements(),
    ...returnStatements(),
    [
      'select r.round_id, r.series_id, r.status, r.payment_window_seconds',
      { name: 'directory', run: (session, [roundId]) => directory(session, roundId as string) },
    ],
    [
      'select extract(epoch from clock_timestamp())',
      { name: 'clock', run: (_session, _params, nowMs) => [{ ms: nowMs }] },
    ],
    [
      'select claim_id, order_id, fingerprint from orders',
      {
        name: 'claim-lookups',
        run: (session, [claimIds]) =>
          session.all('orders').filter((order) => (claimIds as string[]).includes(order.claim_id)),
      },
    ],
  ];
}

function epochStatements(plant: PostgresPlant): (readonly [string, Statement])[] {
  const waits = plant.loadsWithoutLocks !== true;
  const itemLocks = (session: Session, [seriesId]: readonly unknown[]): string[] =>
    waits ? itemsOf(session, seriesId).map((item) => itemLock(item.item_id)) : [];
  return [
    [
      'update series set epoch = epoch + 1',
      {
        name: 'next-epoch',
        locks: [(_session, params) => seriesLock(params)],
        run: (session, [seriesId, admission, runId, observed], nowMs) => {
          const row = session.get('series', seriesId as string)!;
          if (observed !== null && String(row.epoch) !== observed) return [];
          const epoch = row.epoch + 1;
          session.put('series', row.series_id, {
            epoch,
            admission: admission as 'GATE',
            gate_run_id: runId as string | null,
            changed_ms: nowMs,
          });
          return [{ epoch }];
        },
      },
    ],
    ['select 1 from round_items i join rounds r', { name: 'lock-items', locks: [itemLocks], run: () => [] }],
    [
      'update round_items i set epoch',
      {
        name: 'epoch-of-items',
        locks: [itemLocks],
        run: (session, [seriesId, epoch, admission]) => {
          for (const item of itemsOf(session, seriesId))
            session.put('items', item.item_id, { epoch: Number(epoch), admission: admission as 'GATE' });
          return [];
        },
      },
    ],
    [
      'update series set epoch = $2',
      {
        name: 'pass-epoch',
        locks: [(_session, params) => seriesLock(params)],
        run: (session, [seriesId, epoch]) => {
          if (session.get('series', seriesId as string)!.epoch >= Number(epoch)) return [];
          session.put('series', seriesId as string, { epoch: Number(epoch) });
          return [{}];
        },
      },
    ],
    [
      'select admission, epoch, gate_run_id from series',
      { name: 'admission', run: (session, [seriesId]) => [session.get('series', seriesId as string)!] },
    ],
    [
      'select s.series_id, s.epoch from series s',
      {
        name: 'series-to-mend',
        run: (session, [runId, restMs], nowMs) =>
          session
            .all('series')
            .filter((row) =>
              row.admission === 'DIRECT' ? row.changed_ms < nowMs - Number(restMs) : row.gate_run_id !== runId,
            ),
      },
    ],
  ];
}

function loadStatements(): (readonly [string, Statement])[] {
  return [
    [
      'select i.item_id, i.selling, i.quota',
      {
        name: 'load-items',
        run: (session, [seriesId]) =>
          itemsOf(session, seriesId).map((item) => {
            const round = session.get('rounds', item.round_id)!;
            return {
              ...item,
              available: available(item),
              claimed: item.held + item.sold,
              win_limit: round.win_limit ?? 0,
              opens_at_ms: round.opens_ms,
              closes_at_ms: round.closes_ms,
            };
          }),
      },
    ],
    [
      'select item_id, claim_id, buyer_id, case',
      {
        name: 'load-claims',
        run: (session, [itemIds]) =>
          session
            .all('orders')
            .filter((order) => (itemIds as string[]).includes(order.item_id))
            .map((order) => ({ ...order, quantity: LIVE.has(order.status) ? order.quantity : 0 })),
      },
    ],
    [
      'select buyer_id, wins from series_wins',
      {
        name: 'load-wins',
        run: (session, [seriesId, wanted]) =>
          wanted === true ? session.all('wins').filter((row) => row.series_id === seriesId && row.wins > 0) : [],
      },
    ],
    [
      'delete from gate_returns where series_id',
      {
        name: 'forget-returns',
        locks: [(session, [seriesId]) => returnLocks(session, seriesId)],
        run: (session, [seriesId]) => {
          for (const row of session.all('returns'))
            if (row.series_id === seriesId) session.delete('returns', String(row.return_id));
          return [];
        },
      },
    ],
  ];
}

function sweeperStatements(): (readonly [string, Statement])[] {
  const keys = ([claimIds, epochs, numbers]: readonly unknown[]): string[] =>
    (claimIds as string[]).map((id, index) =>
      tombstoneKey(id, (epochs as string[])[index]!, String((numbers as number[])[index])),
    );
  return [
    [
      'select i.series_id, i.item_id from round_items i',
      {
        name: 'live-items',
        run: (session) => session.all('items').filter((item) => item.admission === 'GATE' && item.epoch > 0),
      },
    ],
    [
      'select 1 from round_items where item_id',
      {
        name: 'lock-item',
        locks: [(_session, [itemId]) => [itemLock(itemId as string)]],
        run: () => [],
      },
    ],
    [
      'select claim_id, status in',
      {
        name: 'orders-of-claims',
        run: (session, [claimIds, itemId]) => [
          ...session
            .all('orders')
            .filter((order) => (claimIds as string[]).includes(order.claim_id) && order.item_id === itemId)
            .map((order) => ({ claim_id: order.claim_id, live: LIVE.has(order.status) })),
          ...session
            .all('late')
            .filter((row) => (claimIds as string[]).includes(row.claim_id) && row.decision === 'HONOURED')
            .map((row) => ({ claim_id: row.claim_id, live: true })),
        ],
      },
    ],
    [
      'insert into claim_tombstones',
      {
        name: 'tombstones',
        locks: [(_session, params) => keys(params).map((key) => `tombstone ${key}`)],
        run: (session, params) => {
          const [claimIds, epochs, numbers] = params as [string[], string[], number[]];
          keys(params).forEach((key, index) =>
            session.put('tombstones', key, {
              claim_id: claimIds[index]!,
              epoch: epochs[index]!,
              admission_number: String(numbers[index]),
            }),
          );
          return [];
        },
      },
    ],
  ];
}

function returnStatements(): (readonly [string, Statement])[] {
  return [
    [
      'select g.return_id',
      {
        name: 'returns',
        run: (session) =>
          session.all('returns').map((row) => {
            const { epoch, admission } = session.get('series', row.series_id)!;
            return { ...row, epoch, admission };
          }),
      },
    ],
    [
      'delete from gate_returns where return_id',
      {
        name: 'returns-done',
        locks: [(_session, [ids]) => (ids as string[]).map((id) => `return ${id}`)],
        run: (session, [ids]) => {
          for (const id of ids as string[]) if (session.get('returns', id) !== undefined) session.delete('returns', id);
          return [];
        },
      },
    ],
    [
      'insert into gate_returns',
      {
        name: 'give-back',
        run: (session, params) => {
          const [claimIds, seriesIds, itemIds] = params as [string[], string[], string[]];
          claimIds.forEach((claim_id, index) => {
            const return_id = session.nextReturnId();
            const [series_id, item_id] = [seriesIds[index]!, itemIds[index]!];
            session.lock(`return ${return_id}`);
            session.put('returns', String(return_id), { return_id, claim_id, series_id, item_id });
          });
          return [];
        },
      },
    ],
  ];
}

function directory(session: Session, roundId: string): object[] {
  const round = session.get('rounds', roundId)!;
  const series = session.get('series', round.series_id)!;
  return session
    .all('items')
    .filter((item) => item.round_id === roundId)
    .map((item) => ({
      round_id: round.round_id,
      series_id: round.series_id,
      status: round.status,
      payment_window_seconds: round.payment_window_seconds,
      stopped: false,
      opens_at_ms: round.opens_ms,
      closes_at_ms: round.closes_ms,
      gate_run_id: series.gate_run_id,
      admission_order: 'FIRST_COME',
      item_id: item.item_id,
      sku_id: item.item_id,
      shop_id: item.item_id,
      merchant_id: item.item_id,
      title: 'item',
      price_minor: String(UNIT_PRICE),
      currency: 'CNY',
      price_version_id: item.item_id,
      per_order_limit: item.per_order_limit,
      regions: null,
      epoch: String(item.epoch),
      admission: item.admission,
    }));
}
