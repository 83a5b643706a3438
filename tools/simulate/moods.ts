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
  /** How often each is begun, of a hundred times. */
  readonly weights: Readonly<Record<Act, number>>;
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
export const MIXED: Mood = {
  weights: {
    claim: 34,
    repeat: 12,
    work: 14,
    reconcile: 4,
    callOff: 0,
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
export const FORGETFUL: Mood = {
  weights: {
    claim: 22,
    repeat: 24,
    work: 12,
    reconcile: 0,
    callOff: 12,
    openPayment: 0,
    payAndCallBack: 0,
    timePasses: 18,
    crash: 0,
    redisEmpty: 0,
    snapshot: 6,
    redisOld: 6,
    cutOrConnect: 0,
    failOver: 0,
  },
  actions: [30, 60],
  stepsMs: [1, 60, 210],
  workers: ['returns', 'sweeper'],
  itemsMax: 1,
  quotaMax: 1,
};

/** The act that a throw from 0 to 99 stands for. */
export function actOf({ weights }: Mood, dice: number): Act {
  let below = 0;
  for (const act of ACTS) {
    below += weights[act];
    if (dice < below) return act;
  }
  throw new RangeError(`no act for ${dice}: the weights of a mood make a hundred`);
}
