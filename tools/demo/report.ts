// The report: one object, as JSON or as a page that a person enjoys reading.
import { count, duration, type Paint, plural, table } from '../lib/terminal';
import type { CrowdResult, Latency } from './crowd/protocol';
import type { Verdict } from './checks/facts';
import type { Story } from './story';

/** Counters of one item at the end. Units. */
export interface ItemReport {
  readonly sku: string;
  readonly quota: number;
  readonly sold: number;
  readonly held: number;
  readonly available: number;
  readonly writtenOff: number;
  /** Sold units that had been in another buyer's hands before. */
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

/** What the page tells beyond the object. */
export interface Background {
  readonly titles: ReadonlyMap<string, { readonly one: string; readonly many: string }>;
  readonly story: Story;
  readonly crowd: CrowdResult;
  /** What was still open when the time was up; empty when the sale came to rest. */
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
  'sold-out': 'every unit was taken at that moment',
  'round-not-open': 'too early; told when it opens',
  'round-closed': 'too late',
  'already-won': 'one win per buyer',
  'limit-reached': 'one unit per buyer',
  'rate-limited': 'too many tries per second from one buyer',
  overloaded: 'told to come again in a second',
  unavailable: 'told to come again in a second',
  'outcome-unknown': 'told to repeat with the same key',
  'idempotency-key-reused': 'one key for two different requests',
};

const EXAMPLES = 5;

/** The verdict as it goes into the report: a few examples stand for all violations. */
export function promiseOf(verdict: Verdict): DemoReport['promises'][PromiseName] {
  const { ok, checked, violations } = verdict;
  const examples = violations.slice(0, EXAMPLES);
  return { ok, checked, violations: violations.length, ...(examples.length === 0 ? {} : { examples }) };
}

/** The report as a page. */
export function renderReport(report: DemoReport, background: Background, paint: Paint): string {
  return [
    headline(report, background, paint),
    itemsPart(report, background, paint),
    refusedPart(report, paint),
    latencyPart(report, paint),
    strangePart(background, paint),
    promisesPart(report, background, paint),
    footer(report, background, paint),
  ].join('\n');
}

function headline(report: DemoReport, { titles, crowd }: Background, paint: Paint): string {
  const sales = report.items.map(
    ({ sku, sold, quota }) => `${count(sold)} of ${count(quota)} ${titles.get(sku)?.many ?? sku}`,
  );
  const line = `${sales.join(' and ')} sold to a crowd of ${count(report.buyers)}.`;
  const winners = new Set(crowd.wins.map((win) => win.buyerId)).size;
  const rest = `${count(report.requests)} requests; ${plural(winners, 'buyer')} held a unit at some time, everybody else got an answer.`;
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
  return `${paint.bold('Refused')}  ${count(total)} claims, each with its reason\n${table(rows, { right: [0] })}`;
}

function latencyPart(report: DemoReport, paint: Paint): string {
  const { accepted, refused } = report.latencyMs;
  const rows = [
    ['', 'p50', 'p99'].map((title) => paint.dim(title)),
    ['accepted (after the commit)', duration(accepted.p50), duration(accepted.p99)],
    ['refused', duration(refused.p50), duration(refused.p99)],
  ];
  return `${paint.bold('Answered in')}  as the client sees it, on a machine that also plays the crowd\n${table(rows, { right: [1, 2] })}`;
}

function strangePart({ story, crowd }: Background, paint: Paint): string {
  const lines = [
    `${plural(crowd.bots.buyers, 'bot')} fired ${count(crowd.bots.tries)} tries at once and won ${plural(story.botWins, 'unit')}: never more than one each.`,
    `${plural(crowd.doubleClicks, 'buyer')} double-clicked; ${story.doubleWinners} of them won, with ${plural(story.doubleOrders, 'order')}.`,
    `${plural(crowd.abandoned, 'request')} were cut off by impatient clients and repeated: ${plural(story.replays, 'answer')} came again instead of a second order.`,
    `${plural(story.unpaid, 'order')} ran out of time, ${story.cancelled} were called off: ${plural(story.resold, 'unit')} found another buyer.`,
    `${plural(story.lateHonoured + story.lateRefunded, 'payment')} arrived after the order had closed: ${story.lateHonoured} honoured with a fresh unit, ${story.lateRefunded} refunded.`,
    `${plural(story.callbacksRepeated, 'payment callback')} came twice and counted once; ${plural(story.callbacksMissing, 'payment')} without a callback ${story.callbacksMissing === 1 ? 'was' : 'were'} found by asking.`,
  ];
  return `${paint.bold('The strange ones')}\n${lines.map((line) => `  ${line}\n`).join('')}`;
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
      : paint.yellow(`  The sale had not come to rest when the time was up: ${unsettled.join(', ')}.\n`);
  return `${paint.bold('Promises')}  checked in Postgres, past the services\n${table(rows)}${examples.join('')}${open}`;
}

function footer(report: DemoReport, { crowd, elapsedMs, logFile }: Background, paint: Paint): string {
  const surprises = crowd.surprises.map((text) => paint.yellow(`The crowd noted: ${text}\n`)).join('');
  const again = `npm run demo -- --buyers ${report.buyers} --quota ${report.items[0]?.quota ?? 1} --seed ${report.seed}`;
  return `${surprises}${paint.dim(`${duration(elapsedMs)} from start to here. The same crowd again: ${again}\nLog of the services: ${logFile}`)}\n`;
}
