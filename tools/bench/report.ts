// The table of the bench, and the limits that its results must meet.

export interface BenchRow {
  readonly name: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Microseconds of CPU per request, by process. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Ratio to the bare server, measured immediately before and after. */
  readonly ratio: number;
  /** The lowest and highest ratio of a row that was measured several times. */
  readonly ratioSpan?: readonly [number, number];
  readonly sqlPerClaim?: number;
  readonly redisPerClaim?: number;
  /** From the commit of the order to the end of its event handler. */
  readonly eventP50Ms?: number;
  readonly eventP99Ms?: number;
  /** Further results of this row, by name. */
  readonly facts?: Readonly<Record<string, number>>;
  /** Charts, as Mermaid text. */
  readonly plots?: readonly string[];
}

/** Names of the facts that a limit applies to. */
export const EXPIRY_FACTS = {
  seconds: 'seconds until all units are available',
  speed: 'throughput during the expiry / before',
} as const;

export const LEDGER_FACTS = {
  cost: 'CPU of a journal / of its rows written raw',
  two: 'two processes on one account / one',
} as const;

export interface Floor {
  readonly id: string;
  readonly floor: string;
  readonly measured: number;
  readonly ok: boolean;
}

/** Compares the rows with their limits. A limit whose rows were not measured is left out. */
export function floorsOf(rows: readonly BenchRow[]): Floor[] {
  const row = (name: string): BenchRow | undefined => rows.find((candidate) => candidate.name === name);
  const at256 = row('claim-256');
  const refusal = row('refusal-256');
  const growth = (from: string, to: string): number | undefined => quotient(row(to)?.ratio, row(from)?.ratio);
  const expiry = row('expiry-10000')?.facts;
  return [
    ...atLeast('refusals / bare', 0.7, refusal?.ratio),
    ...atLeast('claims at 256 / bare', 0.4, at256?.ratio),
    ...atMost('CPU of a claim at 256 / of its minimum', 3, quotient(at256 && costOf(at256), minimumCost(rows))),
    ...atLeast('claims at 4,096 / at 64', 0.8, quotient(row('claim-4096')?.ratio, row('claim-64')?.ratio)),
    ...atMost('SQL statements per claim at 256', 0.5, at256?.sqlPerClaim),
    ...atMost('p50 of one client, ms', 6, row('claim-1')?.p50Ms),
    ...atMost('p99 of a refusal at 256, ms', 250, refusal?.p99Ms),
    ...atLeast('one item / a hundred items', 0.8, quotient(at256?.ratio, row('items-100')?.ratio)),
    ...atMost('seconds until 10,000 expired units are available', 10, expiry?.[EXPIRY_FACTS.seconds]),
    ...atLeast('throughput of the sale during the expiry', 0.7, expiry?.[EXPIRY_FACTS.speed]),
    ...atLeast('claims over a million orders / over a thousand', 0.9, growth('orders-1000', 'orders-1000000')),
    ...atLeast('claims in a hundred rounds / in one', 0.8, growth('rounds-1', 'rounds-100')),
    ...atMost(`${LEDGER_FACTS.cost}, 64 pairs of accounts`, 3, row('ledger-256')?.facts?.[LEDGER_FACTS.cost]),
    ...atMost(`${LEDGER_FACTS.cost}, one pair`, 3, row('ledger-hot')?.facts?.[LEDGER_FACTS.cost]),
    ...atLeast(LEDGER_FACTS.two, 0.6, row('ledger-hot-2')?.facts?.[LEDGER_FACTS.two]),
  ];
}

/** Microseconds of CPU per request, for all processes. */
export function costOf({ cpuUs }: Pick<BenchRow, 'cpuUs'>): number {
  return Object.values(cpuUs).reduce((sum, us) => sum + us, 0);
}

/**
 * The minimum CPU cost of a durable claim: the bare request with its client, and the rows in Postgres. A ratio of
 * throughputs also depends on how expensive system calls are on the machine; this ratio does not.
 */
function minimumCost(rows: readonly BenchRow[]): number | undefined {
  const [bare, raw] = ['bare', 'raw-1'].map((name) => rows.find((row) => row.name === name));
  return bare === undefined || raw === undefined ? undefined : costOf(bare) + costOf(raw);
}

function atLeast(id: string, floor: number, measured: number | undefined): Floor[] {
  return measured === undefined ? [] : [{ id, floor: `≥ ${floor}`, measured, ok: measured >= floor }];
}

function atMost(id: string, floor: number, measured: number | undefined): Floor[] {
  return measured === undefined ? [] : [{ id, floor: `≤ ${floor}`, measured, ok: measured <= floor }];
}

function quotient(of: number | undefined, to: number | undefined): number | undefined {
  return of === undefined || to === undefined ? undefined : of / to;
}

/** Prints the rows, facts, charts and limits. */
export function printTable(rows: readonly BenchRow[], floors: readonly Floor[]): void {
  const lines = [
    [
      'row',
      'clients',
      'per s',
      '× bare',
      'p50 ms',
      'p99 ms',
      'SQL',
      'Redis',
      'event p50/p99 ms',
      'CPU µs per request by process',
    ],
    ...rows.map((row) => [
      row.name,
      row.clients === 0 ? '' : String(row.clients),
      Math.round(row.perSecond).toLocaleString('en'),
      ratioText(row),
      row.p50Ms?.toFixed(1) ?? '',
      row.p99Ms?.toFixed(1) ?? '',
      row.sqlPerClaim?.toFixed(3) ?? '',
      row.redisPerClaim?.toFixed(3) ?? '',
      row.eventP50Ms === undefined ? '' : `${row.eventP50Ms.toFixed(0)} / ${row.eventP99Ms!.toFixed(0)}`,
      Object.entries(row.cpuUs)
        .map(([name, us]) => `${name} ${us.toFixed(0)}`)
        .join(', '),
    ]),
  ];
  printColumns(lines);
  process.stdout.write('\n');
  for (const { name, facts = {} } of rows) {
    for (const [what, value] of Object.entries(facts)) process.stdout.write(`${name}: ${what}: ${value.toFixed(2)}\n`);
  }
  for (const plot of rows.flatMap(({ plots = [] }) => plots)) process.stdout.write(`\n\`\`\`mermaid\n${plot}\`\`\`\n`);
  const marks = floors.map((floor) => [floor.ok ? '✓' : '✗', floor.id, floor.floor, floor.measured.toFixed(3)]);
  if (marks.length > 0) printColumns(marks);
}

function ratioText({ ratio, ratioSpan }: BenchRow): string {
  const span = ratioSpan === undefined ? '' : ` (${ratioSpan.map((end) => end.toFixed(2)).join('–')})`;
  return `${ratio.toFixed(2)}${span}`;
}

function printColumns(lines: readonly (readonly string[])[]): void {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines)
    process.stdout.write(
      `${line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    );
}
