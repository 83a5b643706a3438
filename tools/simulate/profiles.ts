// What schedules are made of. Bugs that need several rare events in a row seldom show in a mixture of everything, so some
// schedules use only the few events that lead to them ("swarm testing", Groce et al., ISSTA 2012).
import type { WorkerName } from './service-process';

/** The actions that a schedule can begin, in the order in which the dice count. */
const ACTS = [
  'claim',
  'repeat',
  'work',
  'loadGate',
  'cancel',
  'timePasses',
  'crash',
  'redisEmpty',
  'snapshot',
  'redisOld',
  'cutOrConnect',
  'failOver',
] as const;

export type Act = (typeof ACTS)[number];

export interface Profile {
  /** How often each action is begun, of a hundred times; an action without a weight is never begun. */
  readonly weights: Readonly<Partial<Record<Act, number>>>;
  /** How many actions one schedule begins: a minimum, and the bound of a random number that is added. */
  readonly actions: readonly [least: number, more: number];
  /** The steps by which time goes on, ms. */
  readonly stepsMs: readonly number[];
  /** The workers that run; all of them by default. */
  readonly workers?: readonly WorkerName[];
  readonly itemsMax: number;
  readonly quotaMax: number;
}

/** Everything. */
const MIXED: Profile = {
  weights: {
    claim: 36,
    repeat: 13,
    work: 16,
    loadGate: 4,
    cancel: 4,
    timePasses: 13,
    crash: 5,
    redisEmpty: 2,
    snapshot: 2,
    redisOld: 2,
    cutOrConnect: 2,
    failOver: 1,
  },
  actions: [6, 24],
  stepsMs: [1, 20, 60, 210, 600, 2_100, 5_100, 16_000],
  itemsMax: 2,
  quotaMax: 3,
};

/** One unit goes from buyer to buyer, and Redis comes back without the last of them. */
const STALE_SNAPSHOTS: Profile = {
  weights: { claim: 22, repeat: 24, work: 12, cancel: 12, timePasses: 18, snapshot: 6, redisOld: 6 },
  actions: [30, 60],
  stepsMs: [1, 60, 210],
  workers: ['returns', 'sweeper'],
  itemsMax: 1,
  quotaMax: 1,
};

/** The way of admission changes all the time. */
const ADMISSION_CHANGES: Profile = {
  weights: {
    claim: 20,
    repeat: 20,
    work: 15,
    cancel: 8,
    timePasses: 15,
    crash: 4,
    cutOrConnect: 14,
    failOver: 4,
  },
  actions: [30, 40],
  stepsMs: [1, 60, 210, 2_100],
  workers: ['returns', 'sweeper', 'reconciler'],
  itemsMax: 1,
  quotaMax: 2,
};

/** Processes die while buyers ask again. */
const CRASHES: Profile = {
  weights: {
    claim: 23,
    repeat: 25,
    work: 14,
    loadGate: 4,
    cancel: 4,
    timePasses: 12,
    crash: 16,
    cutOrConnect: 2,
  },
  actions: [20, 40],
  stepsMs: [1, 60, 210, 5_100],
  itemsMax: 1,
  quotaMax: 2,
};

/** Gates are loaded again while reports to the gate before are on their way. */
const RELOADS: Profile = {
  weights: { claim: 12, repeat: 26, work: 24, loadGate: 14, timePasses: 16, crash: 8 },
  actions: [30, 40],
  stepsMs: [1, 60, 5_100],
  workers: ['sweeper'],
  itemsMax: 1,
  quotaMax: 1,
};

/** Decisions arrive at Postgres and are delayed until the sweeper has given their claims up. */
const LATE_DECISIONS: Profile = {
  weights: { claim: 34, repeat: 18, work: 22, timePasses: 26 },
  actions: [20, 40],
  stepsMs: [1, 1_000, 5_100],
  workers: ['sweeper'],
  itemsMax: 1,
  quotaMax: 2,
};

const OTHERS = [ADMISSION_CHANGES, CRASHES, LATE_DECISIONS, RELOADS];

/** The profile of a seed. Of eight seeds, six mix everything, one has stale snapshots, and one has each other profile in turn. */
export function profileOf(seed: number): Profile {
  if (seed % 8 === 2) return STALE_SNAPSHOTS;
  return seed % 8 === 6 ? OTHERS[Math.floor(seed / 8) % OTHERS.length]! : MIXED;
}

/** The action that a throw from 0 to 99 stands for. Throws RangeError when the weights do not add up to a hundred. */
export function actOf({ weights }: Profile, dice: number): Act {
  let below = 0;
  for (const act of ACTS) {
    below += weights[act] ?? 0;
    if (dice < below) return act;
  }
  throw new RangeError(`no action for ${dice}: the weights of a profile add up to a hundred`);
}
