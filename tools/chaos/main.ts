// `npm run chaos`: injects the faults of a seed, then checks every promise. Exit status 1 when one is broken.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultDataDir } from '@gravity/testing';
import { runTool, SIGNAL_STATUS } from '../lib/arguments';
import { table } from '../lib/terminal';
import {
  campaignSummary,
  campaignTable,
  campaignRunOf,
  planOfSeed,
  readCampaign,
  seedsToRun,
  writeCampaign,
} from './campaign';
import { FAULT_KINDS, unavailableKinds } from './faults';
import { MATRIX } from './matrix';
import { type ChaosOptions, readOptions, USAGE } from './options';
import { renderReport } from './report';
import { type RunReport, runSchedule, type Verdict } from './run';
import { planSchedule, type Schedule, scheduleFromJson, scheduleToJson } from './schedule';
import { shrink } from './shrink';

const MINUTE_MS = 60_000;
/** The exit status of an inconclusive run, which must not count as a success. */
const STATUS: Readonly<Record<Verdict, number>> = { held: 0, broken: 1, inconclusive: 3 };

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined || options === 'list') {
    const kinds = FAULT_KINDS.map(({ name, title }) => [name, title]);
    process.stdout.write(options === undefined ? USAGE : table(kinds));
    return 0;
  }
  // The servers end with this process, even when it is killed.
  for (const [signal, status] of Object.entries(SIGNAL_STATUS)) process.on(signal, () => process.exit(status));
  if (options.shrink !== undefined) return shrinkFile(options.shrink);
  for (const { name, why } of unavailableKinds()) {
    if (!options.kinds.includes(name)) say(`left out: ${name}: ${why}`);
  }
  if (options.campaign !== undefined) return campaign(options.campaign, options);
  const schedule = options.replay === undefined ? planned(options) : await read(options.replay);
  say(`seed ${schedule.seed}: ${schedule.faults.length} faults in ${schedule.durationMs / MINUTE_MS} min`);
  const report = await runSchedule(schedule, { log: say });
  const file = report.verdict === 'held' ? undefined : await write(schedule, `seed-${schedule.seed}`);
  process.stdout.write(
    options.json ? `${JSON.stringify({ ...report, schedule: file })}\n` : renderReport(report, file),
  );
  return STATUS[report.verdict];
}

function planned({ seed, minutes, kinds, nodes }: ChaosOptions): Schedule {
  const chosen = FAULT_KINDS.filter(({ name }) => kinds.includes(name));
  return planSchedule(seed, Math.round(minutes * MINUTE_MS), chosen, nodes);
}

/** Runs the remaining seeds of a campaign. A seed stays open when its system cannot be started. */
async function campaign(seeds: readonly number[], { kinds, nodes }: ChaosOptions): Promise<number> {
  const file = join(defaultDataDir(), 'chaos', 'campaign.json');
  const runs = await readCampaign(file);
  const chosen = FAULT_KINDS.filter(({ name }) => kinds.includes(name));
  const left = seedsToRun(seeds, runs, kinds);
  say(`${seeds.length - left.length} of ${seeds.length} seeds are done; results: ${file}`);
  for (const seed of left) {
    const schedule = planOfSeed(seed, chosen, nodes);
    say(`seed ${seed}: ${schedule.faults.length} faults in ${Math.round(schedule.durationMs / 1_000)} s`);
    const report = await runSchedule(schedule, { log: say }).catch((error: unknown) => {
      say(`not started: ${String(error)}`);
      return undefined;
    });
    if (report === undefined) continue;
    if (report.verdict !== 'held') await write(schedule, `seed-${seed}-campaign`);
    say(renderReport(report, `${dirname(file)}/seed-${seed}-campaign.json`));
    runs.push(campaignRunOf(report, kinds));
    await writeCampaign(file, runs);
  }
  const done = runs.filter((run) => seeds.includes(run.seed) && run.kinds.join() === kinds.join());
  process.stdout.write(`${campaignTable(done, MATRIX)}\n${campaignSummary(done)}`);
  if (done.some(({ verdict }) => verdict === 'broken')) return STATUS.broken;
  return seedsToRun(seeds, runs, kinds).length > 0 ? STATUS.inconclusive : STATUS.held;
}

async function read(file: string): Promise<Schedule> {
  return scheduleFromJson(
    await readFile(file, 'utf8'),
    FAULT_KINDS.map(({ name }) => name),
  );
}

async function write(schedule: Schedule, name: string): Promise<string> {
  const file = join(defaultDataDir(), 'chaos', `${name}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, scheduleToJson(schedule));
  return file;
}

/** A seed does not decide how processes interleave, so a violation may need more than one try. */
const TRIES_PER_SUBSET = 2;

async function shrinkFile(file: string): Promise<number> {
  const schedule = await read(file);
  let last: RunReport | undefined;
  const breaks = async (faults: Schedule['faults']): Promise<boolean> => {
    for (let tries = 1; tries <= TRIES_PER_SUBSET; tries += 1) {
      say(`trying ${faults.length} of ${schedule.faults.length} faults: ${faults.map(({ id }) => `#${id}`).join(' ')}`);
      const report = await runSchedule({ ...schedule, faults }, { log: () => undefined });
      if (report.verdict !== 'broken') continue;
      last = report;
      return true;
    }
    return false;
  };
  const faults = await shrink(schedule.faults, breaks);
  const smallest = await write({ ...schedule, faults }, `seed-${schedule.seed}-shrunk`);
  if (last === undefined) process.stdout.write(`No smaller schedule breaks a promise. Written: ${smallest}\n`);
  else process.stdout.write(`${faults.length} faults are enough to break a promise.\n${renderReport(last, smallest)}`);
  return last === undefined ? 0 : 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

runTool(main, USAGE);
