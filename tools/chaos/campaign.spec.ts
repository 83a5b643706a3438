import { type CampaignRun, campaignSummary, campaignTable, kindsOfSeed, planOfSeed, seedsToRun } from './campaign';
import { FAULT_KINDS } from './faults';
import { MATRIX } from './matrix';

const names = FAULT_KINDS.map(({ name }) => name);

function run(seed: number, verdict: CampaignRun['verdict'], injected: Record<string, number> = {}): CampaignRun {
  const none = { fired: {}, didNotFire: [], missed: [], rest: {}, load: 1, checked: 1, violations: [] };
  return { ...none, seed, verdict, injected, seconds: 1, kinds: names, finishedAt: '2026-01-01T00:00:00.000Z' };
}

describe('the plan of a campaign', () => {
  it('shares all kinds among neighbouring seeds, about thirty for each', () => {
    const shares = Math.ceil(names.length / 30);
    for (let first = 0; first < 20; first += shares) {
      const shared = Array.from({ length: shares }, (_, share) => kindsOfSeed(first + share, FAULT_KINDS));
      for (const kinds of shared) expect(kinds.length).toBeLessThanOrEqual(30);
      expect(shared.flatMap((kinds) => kinds.map(({ name }) => name)).sort()).toEqual([...names].sort());
    }
  });

  it('injects each kind of a seed once, at the same time for the same seed, in a run that is short', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const plan = planOfSeed(seed, FAULT_KINDS, 2);
      const expected = kindsOfSeed(seed, FAULT_KINDS).map(({ name }) => name);
      expect(plan.faults.map(({ kind }) => kind).sort()).toEqual(expected.sort());
      expect(plan).toEqual(planOfSeed(seed, FAULT_KINDS, 2));
      expect(plan.durationMs).toBeLessThan(100_000);
      const busyUntil = new Map<string, number>();
      for (const { kind, node, atMs, forMs } of plan.faults) {
        expect(atMs + forMs).toBeLessThan(plan.durationMs);
        for (const part of FAULT_KINDS.find(({ name }) => name === kind)!.parts(node)) {
          expect(atMs).toBeGreaterThanOrEqual(busyUntil.get(part) ?? 0);
          busyUntil.set(part, atMs + forMs);
        }
      }
    }
  });

  it('continues where it was stopped, and repeats inconclusive runs', () => {
    const runs = [run(1, 'held'), run(2, 'broken'), run(3, 'inconclusive')];
    expect(seedsToRun([1, 2, 3, 4], runs, names)).toEqual([3, 4]);
    expect(seedsToRun([1], runs, ['orders-kill'])).toEqual([1]);
  });
});

describe('the table of a campaign', () => {
  it('has each kind in exactly one row', () => {
    expect(MATRIX.flatMap(({ kinds }) => kinds).sort()).toEqual([...names].sort());
  });

  it('counts a fault by the verdict of its run', () => {
    const runs = [
      run(1, 'held', { 'orders-kill': 2, 'catalog-kill': 1 }),
      run(2, 'broken', { 'orders-kill': 1 }),
      run(3, 'inconclusive', { 'orders-kill': 4 }),
    ];
    const rows = [{ title: 'killed', kinds: ['orders-kill', 'catalog-kill'] }];
    expect(campaignTable(runs, rows).split('\n')[2]).toBe('| killed | `orders-kill`, `catalog-kill` | 3 | 1 | 4 |');
    expect(campaignSummary(runs)).toContain('held: 1 (seeds 1); broken: 1 (seeds 2); inconclusive: 1 (seeds 3).');
  });
});
