import fc from 'fast-check';
import {
  cancellationTarget,
  isSellingStatus,
  type ItemCounters,
  MISSED,
  nextRoundStep,
  NOT_APPROVED_IN_TIME,
  pathTo,
  PUBLIC_ROUND_STATUSES,
  roundMachine,
  type RoundStatus,
  SELLING_STATUSES,
  STOPPABLE_STATUSES,
} from './round';

const item = (counters: Partial<ItemCounters> = {}): ItemCounters => ({
  quota: 10,
  held: 0,
  sold: 0,
  writtenOff: 0,
  ...counters,
});
const times = (status: RoundStatus) => ({ status, opensAtMs: 10_000, closesAtMs: 20_000, warmAheadMs: 3_000 });
/** The instants at which time alone can give a round something to do. */
const INSTANTS = [7_000, 10_000, 20_000];
const stepTo = (status: RoundStatus, nowMs: number, items = [item()]) => nextRoundStep(times(status), items, nowMs)?.to;

describe('round', () => {
  it('ends only as settled or cancelled', () => {
    expect([...roundMachine.terminal].sort()).toEqual(['CANCELLED', 'SETTLED']);
  });

  it.each<[RoundStatus, number, RoundStatus | undefined]>([
    ['DRAFT', 19_999, undefined],
    ['DRAFT', 20_000, 'CANCELLED'],
    ['APPROVED', 6_999, undefined],
    ['APPROVED', 7_000, 'WARMED'],
    ['APPROVED', 19_999, 'WARMED'],
    ['APPROVED', 20_000, 'CANCELLED'],
    ['WARMED', 9_999, undefined],
    ['WARMED', 10_000, 'OPEN'],
    ['WARMED', 99_999, 'OPEN'],
    ['OPEN', 19_999, undefined],
    ['OPEN', 20_000, 'CLOSED'],
    ['SOLD_OUT', 20_000, 'CLOSED'],
    ['CLOSED', 20_000, 'SETTLED'],
    ['SETTLED', 99_999, undefined],
    ['CANCELLED', 99_999, undefined],
  ])('%s at %d ms goes to %s', (status, nowMs, to) => expect(stepTo(status, nowMs)).toBe(to));

  it('sells out when the last item does, and opens again when a unit comes back', () => {
    expect(stepTo('OPEN', 15_000, [item({ held: 10 }), item({ sold: 9 })])).toBeUndefined();
    expect(stepTo('OPEN', 15_000, [item({ held: 10 }), item({ sold: 10 })])).toBe('SOLD_OUT');
    expect(stepTo('SOLD_OUT', 15_000, [item({ held: 9 }), item({ sold: 10 })])).toBe('OPEN');
    expect(stepTo('SOLD_OUT', 15_000, [item({ held: 10 })])).toBeUndefined();
  });

  it('settles only when nothing is held', () => {
    expect(stepTo('CLOSED', 30_000, [item({ sold: 3 }), item({ held: 1 })])).toBeUndefined();
    expect(stepTo('CLOSED', 30_000, [item({ sold: 3 }), item()])).toBe('SETTLED');
  });

  it('says why it was cancelled', () => {
    expect(nextRoundStep(times('DRAFT'), [], 20_000)).toEqual({ to: 'CANCELLED', reason: NOT_APPROVED_IN_TIME });
    expect(nextRoundStep(times('APPROVED'), [], 20_000)).toEqual({ to: 'CANCELLED', reason: MISSED });
    expect(NOT_APPROVED_IN_TIME).toContain('not approved');
    expect(MISSED).toContain('not running');
  });

  it.each<[RoundStatus, 'CANCELLED' | 'CLOSED' | undefined]>([
    ['DRAFT', 'CANCELLED'],
    ['APPROVED', 'CANCELLED'],
    ['WARMED', 'CANCELLED'],
    ['OPEN', 'CLOSED'],
    ['SOLD_OUT', 'CLOSED'],
    ['CLOSED', undefined],
    ['SETTLED', undefined],
    ['CANCELLED', undefined],
  ])('in %s without orders leads to %s when it is cancelled', (status, target) => {
    expect(cancellationTarget(status, [item(), item()])).toBe(target);
  });

  it('that is warmed and cancelled keeps its orders', () => {
    expect(cancellationTarget('WARMED', [item(), item({ held: 1 })])).toBe('CLOSED');
    expect(cancellationTarget('WARMED', [item({ sold: 1 }), item()])).toBe('CLOSED');
    expect(cancellationTarget('WARMED', [item({ writtenOff: 1 })])).toBe('CANCELLED');
  });

  it('passes every state of its way, and has no way where the table has none', () => {
    expect(pathTo('WARMED', 'CLOSED')).toEqual(['OPEN', 'CLOSED']);
    expect(pathTo('WARMED', 'OPEN')).toEqual(['OPEN']);
    expect(pathTo('OPEN', 'CLOSED')).toEqual(['CLOSED']);
    expect(pathTo('SETTLED', 'OPEN')).toEqual([]);
    expect(pathTo('WARMED', 'SETTLED')).toEqual([]);
    expect(pathTo('APPROVED', 'CLOSED')).toEqual([]);
  });

  it('has one list of states for each action and each view', () => {
    const all = roundMachine.states;
    const hidden = all.filter((status) => !PUBLIC_ROUND_STATUSES.includes(status));
    expect(hidden).toEqual(['DRAFT', 'CANCELLED']);
    expect(all.filter(isSellingStatus)).toEqual(['WARMED', 'OPEN', 'SOLD_OUT']);
    expect(all.filter((status) => STOPPABLE_STATUSES.includes(status))).toEqual([
      'APPROVED',
      'WARMED',
      'OPEN',
      'SOLD_OUT',
    ]);
    for (const listed of [...PUBLIC_ROUND_STATUSES, ...SELLING_STATUSES, ...STOPPABLE_STATUSES]) {
      expect(all).toContain(listed);
    }
  });

  it.each<[RoundStatus, readonly RoundStatus[]]>([
    ['DRAFT', ['APPROVED', 'CANCELLED']],
    ['APPROVED', ['WARMED', 'CANCELLED']],
    ['WARMED', ['OPEN', 'CANCELLED']],
    ['OPEN', ['SOLD_OUT', 'CLOSED']],
    ['SOLD_OUT', ['OPEN', 'CLOSED']],
    ['CLOSED', ['SETTLED']],
  ])('leads from %s to %j and nowhere else', (status, next) => {
    expect(roundMachine.next(status)).toEqual(next);
  });

  it('takes only steps of the table, and comes to an end when time goes on and holds are released', () => {
    const counters = fc
      .record({ quota: fc.nat(20), held: fc.nat(20), sold: fc.nat(20), writtenOff: fc.nat(5) })
      .filter((made) => made.held + made.sold + made.writtenOff <= made.quota);
    fc.assert(
      fc.property(
        fc.constantFrom(...roundMachine.states),
        fc.array(counters, { minLength: 1, maxLength: 4 }),
        fc.nat(25_000),
        (start, items, from) => {
          let status = start;
          let nowMs = from;
          for (let turn = 0; turn < 60 && !roundMachine.terminal.has(status); turn += 1) {
            const released = items.map((each) => (nowMs > 20_000 ? { ...each, held: 0 } : each));
            const step = nextRoundStep(times(status), released, nowMs);
            if (step === undefined) {
              nowMs = INSTANTS.find((instant) => instant > nowMs) ?? Math.max(nowMs, 20_001);
              continue;
            }
            expect(roundMachine.allows(status, step.to)).toBe(true);
            status = step.to;
          }
          expect(roundMachine.terminal.has(status)).toBe(true);
        },
      ),
    );
  });
});
