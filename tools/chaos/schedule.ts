// Plans which fault is injected when. A plan depends on its seed alone, so it can be repeated, stored and made smaller.
import { SeededRandom } from '@gravity/testing';

/** The properties of a kind of fault that the plan needs. */
export interface PlannedKind {
  readonly name: string;
  /** Shortest and longest time from the injection to the healing. */
  readonly lastsMs: readonly [shortest: number, longest: number];
  /** The parts of the world that it needs exclusively: two faults of one part never overlap. */
  readonly parts: (node: number) => readonly string[];
  /** It cannot be injected twice in one run. */
  readonly once?: boolean;
}

/** One injection. */
export interface Fault {
  readonly id: number;
  readonly kind: string;
  /** Time from the start of the run. */
  readonly atMs: number;
  readonly forMs: number;
  /** The index of the orders process, or of its links, for kinds that need one. */
  readonly node: number;
  /** From 0 to 1; the kind decides what it means. */
  readonly strength: number;
}

export interface Schedule {
  readonly seed: number;
  readonly durationMs: number;
  readonly nodes: number;
  readonly faults: readonly Fault[];
}

const FIRST_AT_MS = 2_000;
const END_PAUSE_MS = 1_500;
const BETWEEN_FAULTS_MS = [300, 2_500] as const;
const PAUSE_OF_A_PART_MS = 1_000;

/** Plans a run. Every kind is used once before any is used twice. */
export function planSchedule(seed: number, durationMs: number, kinds: readonly PlannedKind[], nodes: number): Schedule {
  const random = new SeededRandom(seed);
  const faults: Fault[] = [];
  const freeAt = new Map<string, number>();
  const endMs = durationMs - END_PAUSE_MS;
  let remaining: PlannedKind[] = [];
  for (let nowMs = FIRST_AT_MS; nowMs < endMs; nowMs += random.integer(...BETWEEN_FAULTS_MS)) {
    if (remaining.length === 0) {
      const injected = new Set(faults.map(({ kind }) => kind));
      remaining = random.shuffled(kinds.filter(({ name, once }) => once !== true || !injected.has(name)));
    }
    const kind = remaining.pop();
    if (kind === undefined) break;
    const node = random.integer(0, nodes - 1);
    const forMs = random.integer(...kind.lastsMs);
    const strength = Math.round(random.next() * 1_000) / 1_000;
    const parts = kind.parts(node);
    const atMs = Math.max(nowMs, ...parts.map((part) => freeAt.get(part) ?? 0));
    if (atMs + forMs > endMs) continue;
    for (const part of parts) freeAt.set(part, atMs + forMs + PAUSE_OF_A_PART_MS);
    faults.push({ id: faults.length + 1, kind: kind.name, atMs, forMs, node, strength });
  }
  return { seed, durationMs, nodes, faults: faults.sort((a, b) => a.atMs - b.atMs || a.id - b.id) };
}

const FAULT_MAX_MS = 10_000;
const BETWEEN_COVERING_MS = [500, 2_300] as const;

/** Plans a run that injects each kind exactly once, for a short time each; the run lasts as long as that takes. */
export function planCovering(seed: number, kinds: readonly PlannedKind[], nodes: number): Schedule {
  const random = new SeededRandom(seed);
  const faults: Fault[] = [];
  const freeAt = new Map<string, number>();
  let nowMs = FIRST_AT_MS;
  for (const kind of random.shuffled(kinds)) {
    const node = random.integer(0, nodes - 1);
    const [shortest, longest] = kind.lastsMs;
    const forMs = random.integer(Math.min(shortest, FAULT_MAX_MS), Math.min(longest, FAULT_MAX_MS));
    const strength = Math.round(random.next() * 1_000) / 1_000;
    const parts = kind.parts(node);
    const atMs = Math.max(nowMs, ...parts.map((part) => freeAt.get(part) ?? 0));
    for (const part of parts) freeAt.set(part, atMs + forMs + PAUSE_OF_A_PART_MS);
    faults.push({ id: faults.length + 1, kind: kind.name, atMs, forMs, node, strength });
    nowMs += random.integer(...BETWEEN_COVERING_MS);
  }
  const endMs = Math.max(nowMs, ...faults.map(({ atMs, forMs }) => atMs + forMs));
  const inOrder = faults.sort((a, b) => a.atMs - b.atMs || a.id - b.id);
  return { seed, durationMs: endMs + END_PAUSE_MS, nodes, faults: inOrder };
}

/** The schedule as the content of a file. */
export function scheduleToJson(schedule: Schedule): string {
  return `${JSON.stringify(schedule, undefined, 2)}\n`;
}

/** Reads the content of such a file. Throws when it is no schedule, or names an unknown kind. */
export function scheduleFromJson(text: string, kinds: readonly string[]): Schedule {
  const value = JSON.parse(text) as Partial<Schedule>;
  const { seed, durationMs, nodes, faults } = value;
  if (![seed, durationMs, nodes].every((number) => Number.isSafeInteger(number)) || !Array.isArray(faults)) {
    throw new Error('The file is no schedule: it needs seed, durationMs, nodes and faults.');
  }
  for (const fault of faults as Fault[]) {
    if (!kinds.includes(fault.kind)) throw new Error(`The schedule has a fault of unknown kind "${fault.kind}".`);
    const numbers = [fault.id, fault.atMs, fault.forMs, fault.node, fault.strength];
    if (!numbers.every((number) => Number.isFinite(number))) throw new Error(`Fault ${fault.id} is incomplete.`);
  }
  return { seed, durationMs, nodes, faults } as Schedule;
}
