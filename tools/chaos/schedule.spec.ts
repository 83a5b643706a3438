import { FAULT_KINDS } from './faults';
import { type PlannedKind, planSchedule, scheduleFromJson, scheduleToJson } from './schedule';

const names = FAULT_KINDS.map(({ name }) => name);

describe('a schedule', () => {
  it('is the same for the same seed, and another one for another', () => {
    const plan = (seed: number): string => scheduleToJson(planSchedule(seed, 120_000, FAULT_KINDS, 2));
    expect(plan(7)).toBe(plan(7));
    expect(plan(7)).not.toBe(plan(8));
  });

  it('is the same after it was written and read', () => {
    const schedule = planSchedule(3, 60_000, FAULT_KINDS, 3);
    expect(scheduleFromJson(scheduleToJson(schedule), names)).toEqual(schedule);
  });

  it('refuses a file that is no schedule, and unknown kinds', () => {
    expect(() => scheduleFromJson('{}', names)).toThrow('no schedule');
    const schedule = planSchedule(3, 60_000, FAULT_KINDS, 2);
    expect(() => scheduleFromJson(scheduleToJson(schedule), ['nothing'])).toThrow('unknown kind');
  });

  it('uses every kind, ends in time, and injects no two faults into one part at once', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { faults, durationMs } = planSchedule(seed, 600_000, FAULT_KINDS, 2);
      expect(new Set(faults.map(({ kind }) => kind)).size).toBe(names.length);
      const busyUntil = new Map<string, number>();
      for (const { kind, node, atMs, forMs } of faults) {
        expect(atMs + forMs).toBeLessThan(durationMs);
        const parts = FAULT_KINDS.find(({ name }) => name === kind)!.parts(node);
        for (const part of parts) {
          expect(atMs).toBeGreaterThanOrEqual(busyUntil.get(part) ?? 0);
          busyUntil.set(part, atMs + forMs);
        }
      }
    }
  });

  it('is empty without kinds', () => {
    const none: readonly PlannedKind[] = [];
    expect(planSchedule(1, 60_000, none, 2).faults).toEqual([]);
  });
});
