// A campaign: many seeds one after another, each with a share of the kinds, so that short runs cover every kind many times.
// Results are stored, so a campaign can be stopped and continued.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SeededRandom } from '@gravity/testing';
import type { MatrixRow } from './matrix';
import type { RunReport, Verdict } from './run';
import { type PlannedKind, planCovering, type Schedule } from './schedule';

const FAULTS_PER_RUN = 30;

/** The stored result of a run. */
export interface CampaignRun extends Pick<
  RunReport,
  | 'verdict'
  | 'seed'
  | 'seconds'
  | 'injected'
  | 'fired'
  | 'didNotFire'
  | 'missed'
  | 'rest'
  | 'load'
  | 'checked'
  | 'violations'
> {
  /** The kinds that the campaign chose from; another choice gives another plan for the same seed. */
  readonly kinds: readonly string[];
  readonly finishedAt: string;
}

/** The result to store of a report. */
export function campaignRunOf(report: RunReport, kinds: readonly string[]): CampaignRun {
  const { verdict, seed, seconds, injected, fired, didNotFire, missed, rest, load, checked, violations } = report;
  const result = { verdict, seed, seconds, injected, fired, didNotFire, missed, rest, load, checked, violations };
  return { ...result, kinds, finishedAt: new Date().toISOString() };
}

/** The kinds of one seed. Neighbouring seeds together have all kinds. */
export function kindsOfSeed<T extends PlannedKind>(seed: number, kinds: readonly T[]): T[] {
  const shares = Math.max(1, Math.ceil(kinds.length / FAULTS_PER_RUN));
  const group = Math.floor(seed / shares);
  const shuffled = new SeededRandom(group).shuffled(kinds);
  return shuffled.filter((_kind, place) => place % shares === seed % shares);
}

/** The schedule of one seed of a campaign. */
export function planOfSeed(seed: number, kinds: readonly PlannedKind[], nodes: number): Schedule {
  return planCovering(seed, kindsOfSeed(seed, kinds), nodes);
}

/** Seeds that are still to be run. An inconclusive run is repeated. */
export function seedsToRun(
  seeds: readonly number[],
  runs: readonly CampaignRun[],
  kinds: readonly string[],
): readonly number[] {
  const same = runs.filter((run) => run.kinds.join() === kinds.join());
  return seeds.filter((seed) => !same.some((run) => run.seed === seed && run.verdict !== 'inconclusive'));
}

/** The stored runs; none when there is no such file. */
export async function readCampaign(file: string): Promise<CampaignRun[]> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { runs: CampaignRun[] }).runs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Stores the runs; the file is replaced atomically. */
export async function writeCampaign(file: string, runs: readonly CampaignRun[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.partial`, `${JSON.stringify({ runs }, undefined, 1)}\n`);
  await rename(`${file}.partial`, file);
}

/** How often the faults of each row were injected, by the verdict of the run: a table. */
export function campaignTable(runs: readonly CampaignRun[], matrix: readonly MatrixRow[]): string {
  const lines = matrix.map(({ title, kinds }) => {
    const times = (verdict: Verdict): number =>
      runs
        .filter((run) => run.verdict === verdict)
        .reduce((sum, { injected }) => sum + kinds.reduce((of, kind) => of + (injected[kind] ?? 0), 0), 0);
    const names = kinds.map((kind) => `\`${kind}\``).join(', ');
    return `| ${title} | ${names} | ${times('held')} | ${times('broken')} | ${times('inconclusive')} |`;
  });
  return [
    '| Fault | Kinds | Times | In broken runs | In inconclusive runs |',
    '|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

/** The seeds of each verdict. */
export function campaignSummary(runs: readonly CampaignRun[]): string {
  const seedsOf = (verdict: Verdict): string => {
    const seeds = runs.filter((run) => run.verdict === verdict).map(({ seed }) => seed);
    return seeds.length === 0 ? `${verdict}: none` : `${verdict}: ${seeds.length} (seeds ${seeds.join(', ')})`;
  };
  const quiet = runs.reduce((sum, { didNotFire }) => sum + didNotFire.length, 0);
  const missed = runs.reduce((sum, run) => sum + run.missed.length, 0);
  return `${[seedsOf('held'), seedsOf('broken'), seedsOf('inconclusive')].join('; ')}. Not counted: ${quiet} that did not fire, ${missed} that could not be carried out.\n`;
}
