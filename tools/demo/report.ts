// The report of the demo, as a JSON object or as text.
import { count, duration, type Paint, plural, table } from '../lib/terminal';
import type { BuyersResult, Latency } from './buyers/protocol';
import type { Verdict } from './checks/facts';
import type { EdgeCases } from './edge-cases';

/** Counters of one item at the end, in units. */
export interface ItemReport {
  readonly sku: string;
  readonly quota: number;
  readonly sold: number;
  readonly held: number;
  readonly available: number;
  readonly writtenOff: number;
  /** Sold units that another buyer had held before. */
  readonly resold: number;
}

export type PromiseName = 'P1' | 'P2' | 'P3' | 'P4';

export interface DemoReport {
  readonly ok: boolean;
  readonly seed: number;
  readonly buyers: number;
  readonly requests: number;
  readonly items: readonly ItemReport[];
  readonly refused: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly accepted: Latency; readonly refused: Latency };
  readonly promises: Readonly<
    Record<
      PromiseName,
      {
        readonly ok: boolean;
        readonly checked: number;
        readonly violations: number;
        readonly examples?: readonly string[];
      }
    >
  >;
}

/** The contents of the text report that are not in the JSON report. */
export interface Background {
  readonly titles: ReadonlyMap<string, { readonly one: string; readonly many: string }>;
  readonly edgeCases: EdgeCases;
  readonly result: BuyersResult;
  /** Work that was still open at the deadline; empty when the sale is settled. */
  readonly unsettled: readonly string[];
  readonly elapsedMs: number;
  readonly logFile: string;
}

const PROMISES: Readonly<Record<PromiseName, string>> = {
  P1: 'Never oversold',
  P2: 'Every acknowledged win is durable',
  P3: 'No unit is lost',
  P4: 'Everything once',
};

const REASONS: Readonly<Record<string, string>> = {
  'sold-out': 'every unit was held or sold',
  'round-not-open': 'before the opening; the answer has the time',
  'round-closed': 'after the end',
  'already-won': 'one win per buyer',
  'limit-reached': 'one unit per buyer',
  'rate-limited': 'too many tries per second from one buyer',
  overloaded: 'the answer asks to retry in a second',
  unavailable: 'the answer asks to retry in a second',
  'outcome-unknown': 'the answer asks to repeat with the same key',
  'idempotency-key-reused': 'one key for two different requests',
};

const EXAMPLES = 5;

/** A verdict for the report, with the first few violations. */
export function promiseOf(verdict: Verdict): DemoReport['promises'][PromiseName] {
  const { ok, checked, violations } = verdict;
  const examples = violations.slice(0, EXAMPLES);
  return { ok, checked, violations: violations.length, ...(examples.length === 0 ? {} : { examples }) };
}

/** The report as text. */
export function renderReport(report: DemoReport, background: Background, paint: Paint): string {
  return [
    headline(report, background, paint),
    itemsPart(report, background, paint),
    refusedPart(report, paint),
    latencyPart(report, paint),
    edgeCasesPart(background, paint),
    promisesPart(report, background, paint),
    footer(report, background, paint),
  ].join('\n');
}

function headline(report: DemoReport, { titles, result }: Background, paint: Paint): string {
  const sales = report.items.map(
    ({ sku, sold, quota }) => `${count(sold)} of ${count(quota)} ${titles.get(sku)?.many ?? sku}`,
  );
  const line = `${sales.join(' and ')} sold to ${count(report.buyers)} buyers.`;
  const winners = new Set(result.wins.map((win) => win.buyerId)).size;
  const rest = `${count(report.requests)} requests; ${plural(winners, 'buyer')} held a unit at some time.`;
  return `\n${paint.bold(line)}\n${rest}\n`;
}

function itemsPart(report: DemoReport, { titles }: Background, paint: Paint): string {
  const head = ['', 'quota', 'sold', 'held', 'available', 'written off', 'resold'].map((title) => paint.dim(title));
  const rows = report.items.map((item) => [
    titles.get(item.sku)?.many ?? item.sku,
    ...[item.quota, item.sold, item.held, item.available, item.writtenOff, item.resold].map(count),
  ]);
  return table([head, ...rows], { right: [1, 2, 3, 4, 5, 6] });
}

function refusedPart(report: DemoReport, paint: Paint): string {
  const total = Object.values(report.refused).reduce((sum, refused) => sum + refused, 0);
  const rows = Object.entries(report.refused).map(([code, refused]) => [
    count(refused),
    code,
    paint.dim(REASONS[code] ?? ''),
  ]);
  return `${paint.bold('Refused')}  ${count(total)} claims, by reason\n${table(rows, { right: [0] })}`;
}

function latencyPart(report: DemoReport, paint: Paint): string {
  const { accepted, refused } = report.latencyMs;
  const rows = [
    ['', 'p50', 'p99'].map((title) => paint.dim(title)),
    ['accepted (after the commit)', duration(accepted.p50), duration(accepted.p99)],
    ['refused', duration(refused.p50), duration(refused.p99)],
  ];
  return `${paint.bold('Answered in')}  measured by the clients, on the same machine\n${table(rows, { right: [1, 2] })}`;
}

function edgeCasesPart({ edgeCases, result }: Background, paint: Paint): string {
  const lines = [
    `${plural(result.bots.buyers, 'bot')} sent ${count(result.bots.tries)} claims at once and won ${plural(edgeCases.botWins, 'unit')}: at most one each.`,
    `${plural(result.doubleClicks, 'buyer')} sent the same claim twice at once; ${edgeCases.doubleWinners} of them won, with ${plural(edgeCases.doubleOrders, 'order')}.`,
    `${plural(result.abandoned, 'request')} were aborted by the client and repeated: ${plural(edgeCases.replays, 'answer')} were replayed instead of a second order.`,
    `${plural(edgeCases.unpaid, 'order')} expired, ${edgeCases.cancelled} were cancelled: ${plural(edgeCases.resold, 'unit')} were sold to another buyer.`,
    `${plural(edgeCases.lateHonoured + edgeCases.lateRefunded, 'payment')} arrived after the order had closed: ${edgeCases.lateHonoured} honoured with another unit, ${edgeCases.lateRefunded} refunded.`,
    `${plural(edgeCases.callbacksRepeated, 'payment callback')} were delivered twice and applied once; ${plural(edgeCases.callbacksMissing, 'payment')} without a callback ${edgeCases.callbacksMissing === 1 ? 'was' : 'were'} found by a query.`,
  ];
  return `${paint.bold('Edge cases')}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function promisesPart(report: DemoReport, { unsettled }: Background, paint: Paint): string {
  const names = Object.keys(PROMISES) as PromiseName[];
  const rows = names.map((name) => {
    const { ok, checked, violations } = report.promises[name];
    const mark = ok ? paint.green('✓ kept') : paint.red(`✗ BROKEN ${plural(violations, 'time')}`);
    return [paint.bold(name), PROMISES[name], mark, paint.dim(`${plural(checked, 'fact')} checked`)];
  });
  const examples = names.flatMap((name) =>
    (report.promises[name].examples ?? []).map((text) => paint.red(`  ${name}: ${text}\n`)),
  );
  const open =
    unsettled.length === 0
      ? ''
      : paint.yellow(`  The sale was not settled at the deadline: ${unsettled.join(', ')}.\n`);
  return `${paint.bold('Promises')}  checked in Postgres, without the services\n${table(rows)}${examples.join('')}${open}`;
}

function footer(report: DemoReport, { result, elapsedMs, logFile }: Background, paint: Paint): string {
  const unexpected = result.unexpected.map((text) => paint.yellow(`Unexpected: ${text}\n`)).join('');
  const repeat = `npm run demo -- --buyers ${report.buyers} --quota ${report.items[0]?.quota ?? 1} --seed ${report.seed}`;
  return `${unexpected}${paint.dim(`${duration(elapsedMs)} in total. Repeat with the same buyers: ${repeat}\nLog of the services: ${logFile}`)}\n`;
}
