// What schedules are made of. A bug that needs several rare things one after the other hardly ever meets them in a mixture
// of everything, so some schedules keep to the few things that lead there ("swarm testing", Groce et al., ISSTA 2012).
import type { WorkerName } from './service-process';

/** What may be begun, in the order in which the dice count. */
const ACTS = [
  'claim',
  'repeat',
  'work',
  'reconcile',
  'callOff',
  'openPayment',
  'payAndCallBack',
  'timePasses',
  'crash',
  'redisEmpty',
  'snapshot',
  'redisOld',
  'cutOrConnect',
  'failOver',
] as const;

export type Act = (typeof ACTS)[number];

export interface Mood {
  /** How often each is begun, of a hundred times; never unless told. */
  readonly weights: Readonly<Partial<Record<Act, number>>>;
  /** How much is begun in one schedule: at least, and at most so much more. */
  readonly actions: readonly [least: number, more: number];
  /** By how much time may go on. */
  readonly stepsMs: readonly number[];
  /** Who works; all unless told. */
  readonly workers?: readonly WorkerName[];
  readonly itemsMax: number;
  readonly quotaMax: number;
}

/** Everything. */
const MIXED: Mood = {
  weights: {
    claim: 34,
    repeat: 12,
    work: 14,
    reconcile: 4,
    openPayment: 4,
    payAndCallBack: 5,
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

/** One unit that goes from buyer to buyer, before a Redis that forgets the last of them. */
const FORGETFUL: Mood = {
  weights: { claim: 22, repeat: 24, work: 12, callOff: 12, timePasses: 18, snapshot: 6, redisOld: 6 },
  actions: [30, 60],
  stepsMs: [1, 60, 210],
  workers: ['returns', 'sweeper'],
  itemsMax: 1,
  quotaMax: 1,
};

/** The way of admission changes all the time. */
const RESTLESS: Mood = {
  weights: {
    claim: 20,
    repeat: 20,
    work: 15,
    callOff: 8,
    timePasses: 15,
    crash: 4,
    cutOrConnect: 14,
    failOver: 4,
  },
  actions: [30, 40],
  stepsMs: [1, 60, 210, 2_100],
  workers: ['returns', 'sweeper', 'mender'],
  itemsMax: 1,
  quotaMax: 2,
};

/** Processes die while buyers ask again. */
const MORTAL: Mood = {
  weights: {
    claim: 23,
    repeat: 25,
    work: 14,
    reconcile: 4,
    callOff: 4,
    timePasses: 12,
    crash: 16,
    cutOrConnect: 2,
  },
  actions: [20, 40],
  stepsMs: [1, 60, 210, 5_100],
  itemsMax: 1,
  quotaMax: 2,
};

/** Money comes when the order is over. */
const LATE: Mood = {
  weights: {
    claim: 18,
    repeat: 10,
    work: 20,
    openPayment: 12,
    payAndCallBack: 14,
    timePasses: 16,
    crash: 3,
    redisEmpty: 2,
    snapshot: 2,
    redisOld: 2,
    cutOrConnect: 1,
  },
  actions: [30, 40],
  stepsMs: MIXED.stepsMs,
  itemsMax: 1,
  quotaMax: 2,
};

/** Gates are loaded anew while reports to the one before are on their way. */
const RELOADED: Mood = {
  weights: { claim: 12, repeat: 26, work: 24, reconcile: 14, timePasses: 16, crash: 8 },
  actions: [30, 40],
  stepsMs: [1, 60, 5_100],
  workers: ['sweeper'],
  itemsMax: 1,
  quotaMax: 1,
};

const OTHERS = [RESTLESS, MORTAL, LATE, RELOADED];

/** Three of four seeds mix everything; every eighth is forgetful, every eighth one of the others in turn. */
export function moodOf(seed: number): Mood {
  if (seed % 8 === 2) return FORGETFUL;
  return seed % 8 === 6 ? OTHERS[Math.floor(seed / 8) % OTHERS.length]! : MIXED;
}

/** The act that a throw from 0 to 99 stands for. */
export function actOf({ weights }: Mood, dice: number): Act {
  let below = 0;
  for (const act of ACTS) {
    below += weights[act] ?? 0;
    if (dice < below) return act;
  }
  throw new RangeError(`no act for ${dice}: the weights of a mood make a hundred`);
}
