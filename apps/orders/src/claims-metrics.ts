// Counters of the claim path. Labels take values from closed sets: outcomes and admissions.
import { gaugeReadAtScrape } from '@gravity/observability';
import { Counter } from 'prom-client';
import { SERVICE } from './orders-config';
import type { ClaimOutcome } from './use-cases/place-claim/claim-metrics';
import type { DrawOutcome } from './gate/opening-draw';

const claims = new Counter({ name: 'claims_total', help: 'Claims by outcome', labelNames: ['service', 'outcome'] });
const draws = new Counter({
  name: 'opening_draws_total',
  help: "Openings' draws by how their order came about",
  labelNames: ['service', 'outcome'],
});
const switches = new Counter({
  name: 'gate_switches_total',
  help: 'Changes of the gate in force',
  labelNames: ['service', 'admission'],
});
const sweptUnits = new Counter({
  name: 'gate_swept_units_total',
  help: 'Units brought back from claims that were never decided',
  labelNames: ['service'],
});
sweptUnits.inc({ service: SERVICE }, 0);

export const claimsWaiting = gaugeReadAtScrape('claims_waiting', 'Claims waiting for a decision');
export const gateCalls = gaugeReadAtScrape('gate_calls', 'Script calls sent to Redis since the start');

/** Counts the end of one claim. */
export function countClaim(outcome: ClaimOutcome): void {
  claims.inc({ service: SERVICE, outcome });
}

/** Counts the draw of one opening. */
export function countDraw(outcome: DrawOutcome): void {
  draws.inc({ service: SERVICE, outcome });
}

/** Counts a switch to another admission. */
export function countSwitch(admission: string): void {
  switches.inc({ service: SERVICE, admission });
}

/** Counts units that a sweep brought back. */
export function countSweptUnits(units: number): void {
  sweptUnits.inc({ service: SERVICE }, units);
}
