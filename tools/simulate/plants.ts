// Known bugs, to show that the simulation finds them. Each changes one effect of a model; services never import tools
// (see .dependency-cruiser.cjs), so no configuration of a service reaches them.
import type { PostgresPlant } from './model-decide';
import type { ConnectionPlant, ProviderPlant } from './model-network';
import type { RedisPlant } from './model-redis';

/** Changes to how callers are connected. */
interface CallerPlant {
  /** The service is not told that a caller has hung up. */
  readonly forgetsWhoHungUp?: boolean;
}

export type Plant = PostgresPlant & RedisPlant & ConnectionPlant & ProviderPlant & CallerPlant;

/** The models as they are. */
export const NO_PLANT: Plant = {};

export const PLANTS = {
  'acknowledge-before-commit': { acknowledgesBeforeCommit: true },
  'forget-the-epoch': { forgetsEpoch: true },
  'release-twice': { releasesTwice: true },
  'rebuild-while-in-flight': { loadsWithoutLocks: true },
  'forget-refunds': { forgetsRefunds: true },
  'forget-whose-report': { forgetsWhoseReport: true },
  'forget-who-hung-up': { forgetsWhoHungUp: true },
  'ask-any-memory': { asksAnyMemory: true },
  'late-commit-after-tombstone': { forgetsTombstones: true },
} as const satisfies Record<string, Plant>;

export type PlantName = keyof typeof PLANTS;
