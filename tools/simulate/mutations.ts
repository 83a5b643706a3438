// Known bugs, to show that the simulation finds them. Each one changes one effect of a model. Services never import tools
// (see .dependency-cruiser.cjs), so no configuration of a service can switch one on.
import type { PostgresMutation } from './model-decide';
import type { ConnectionMutation } from './model-network';
import type { RedisMutation } from './model-redis';

/** Changes to what a process is told. */
export interface ProcessMutation {
  /** The service is not told that a caller has disconnected. */
  readonly ignoresAborts?: boolean;
  /** The clock of the sold-out flags is slow, so a flag outlives the units that come back. */
  readonly keepsFlags?: boolean;
}

export type Mutation = PostgresMutation & RedisMutation & ConnectionMutation & ProcessMutation;

/** The models without a mutation. */
export const NO_MUTATION: Mutation = {};

export const MUTATIONS = {
  'acknowledge-before-commit': { acknowledgesBeforeCommit: true },
  'ignore-epoch': { ignoresEpoch: true },
  'release-twice': { releasesTwice: true },
  'rebuild-while-in-flight': { loadsWithoutLocks: true },
  'ignore-report-epoch': { ignoresReportEpoch: true },
  'keep-flags': { keepsFlags: true },
  'ignore-aborts': { ignoresAborts: true },
  'use-stale-redis': { usesStaleRedis: true },
  'late-commit-after-tombstone': { ignoresTombstones: true },
} as const satisfies Record<string, Mutation>;

export type MutationName = keyof typeof MUTATIONS;
