import fc from 'fast-check';
import {
  type Finding,
  gateFinding,
  judgeConservation,
  ledgerFinding,
  type LedgerSide,
  mustStop,
  suspect,
  type Suspicion,
} from './conservation';

const ledger = (side: Partial<LedgerSide> = {}): LedgerSide => ({
  quota: 100,
  held: 10,
  sold: 20,
  writtenOff: 5,
  undecided: 0,
  returning: 0,
  ...side,
});
const look = (available: number, epoch = 1n): Finding =>
  gateFinding({ still: true, epoch, verdict: judgeConservation(ledger(), { available, claimed: 0 }) });
const moving = gateFinding({
  still: false,
  epoch: 1n,
  verdict: judgeConservation(ledger(), { available: 1, claimed: 0 }),
});
const fold = (findings: readonly Finding[]): Suspicion | undefined =>
  findings.reduce<Suspicion | undefined>(suspect, undefined);

describe('conservation', () => {
  it('holds when the gate offers the units that Postgres has', () => {
    expect(judgeConservation(ledger(), { available: 65, claimed: 35 })).toMatchObject({
      available: 65,
      gateDrift: 0,
      ok: true,
    });
  });

  it('counts claims that are admitted and not decided', () => {
    expect(judgeConservation(ledger({ undecided: 7 }), { available: 58, claimed: 42 })).toMatchObject({ gateDrift: 0 });
    expect(judgeConservation(ledger({ undecided: 7 }), { available: 65, claimed: 42 })).toMatchObject({
      gateDrift: 7,
      ok: false,
    });
  });

  it('allows a noted return to be applied already or not yet', () => {
    const side = ledger({ returning: 3 });
    for (const available of [62, 63, 64, 65])
      expect(judgeConservation(side, { available, claimed: 0 }).gateDrift).toBe(0);
    expect(judgeConservation(side, { available: 61, claimed: 0 }).gateDrift).toBe(-1);
    expect(judgeConservation(side, { available: 66, claimed: 0 }).gateDrift).toBe(1);
  });

  it('compares the counters with the orders', () => {
    expect(judgeConservation(ledger({ ordersHeld: 10, ordersSold: 20 }), undefined)).toMatchObject({
      ok: true,
      gateDrift: null,
    });
    expect(judgeConservation(ledger({ ordersHeld: 11, ordersSold: 19 }), undefined)).toMatchObject({
      ok: false,
      heldDrift: 1,
      soldDrift: -1,
    });
  });

  it('is never in drift for a gate that only took, decided and gave back', () => {
    // Each claim is in one stage; both sides are computed from the same claims.
    const stage = fc.constantFrom(
      'pending',
      'held',
      'held-unconfirmed',
      'sold',
      'released-noted',
      'released-applied',
      'gone',
    );
    fc.assert(
      fc.property(fc.array(fc.record({ stage, quantity: fc.integer({ min: 1, max: 4 }) })), (claims) => {
        const units = (...stages: string[]): number =>
          claims.filter((claim) => stages.includes(claim.stage)).reduce((sum, claim) => sum + claim.quantity, 0);
        const side: LedgerSide = {
          quota: 1_000,
          writtenOff: 10,
          held: units('held', 'held-unconfirmed'),
          sold: units('sold'),
          undecided: units('pending'),
          returning: units('released-noted', 'released-applied'),
        };
        const claimed = units('pending', 'held', 'held-unconfirmed', 'sold', 'released-noted');
        expect(judgeConservation(side, { available: 990 - claimed, claimed })).toMatchObject({
          gateDrift: 0,
          ok: true,
        });
      }),
    );
  });

  it('names the fault, its side and its units', () => {
    expect(look(66)).toEqual({ fault: 'the gate of epoch 1 offers 1 units too many' });
    expect(look(65)).toBe('clean');
    const noGate = judgeConservation(ledger(), undefined);
    expect(gateFinding({ still: true, epoch: 1n, verdict: noGate })).toBe('unknown');
    const bad = judgeConservation(ledger({ ordersHeld: 11, ordersSold: 18 }), undefined);
    expect(ledgerFinding(bad, true)).toEqual({
      fault: 'orders differ from the counters: held 1, sold -2, available 65',
    });
    for (const counts of [{ ordersHeld: 11 }, { ordersSold: 21 }])
      expect(ledgerFinding(judgeConservation(ledger(counts), undefined), true)).toHaveProperty('fault');
  });

  it('finds fault with more units given away than there are, and none with exactly as many', () => {
    const over = judgeConservation(ledger({ sold: 86 }), undefined);
    expect([over.available, over.ok]).toEqual([-1, false]);
    expect(ledgerFinding(over, false)).toHaveProperty('fault');
    const all = judgeConservation(ledger({ sold: 85 }), undefined);
    expect([all.available, all.ok, ledgerFinding(all, true)]).toEqual([0, true, 'clean']);
  });

  it('is not well when either side is not, and tells what the gate may offer', () => {
    const gate = { available: 60, claimed: 0 };
    expect(judgeConservation(ledger({ returning: 3, undecided: 2 }), gate)).toMatchObject({
      expectedAtGate: { min: 60, max: 63 },
      gateDrift: 0,
      ok: true,
    });
    expect(judgeConservation(ledger({ ordersHeld: 9, returning: 5 }), gate)).toMatchObject({ gateDrift: 0, ok: false });
    expect(judgeConservation(ledger({ ordersSold: 19 }), undefined).ok).toBe(false);
  });

  it('stops a sale after three equal bad looks, also when counters move in between', () => {
    expect(mustStop(fold([look(66), look(66)]))).toBe(false);
    expect(mustStop(fold([look(66), moving, look(66), moving, look(66)]))).toBe(true);
  });

  it('does not stop a sale that is only busy, repaired, rebuilt or drifting differently each time', () => {
    expect(mustStop(fold([moving, moving, moving, moving]))).toBe(false);
    expect(mustStop(fold([look(66), look(66), look(65), look(66), look(66)]))).toBe(false);
    expect(mustStop(fold([look(66), look(66), look(66, 2n)]))).toBe(false);
    expect(mustStop(fold([look(66), look(67), look(66), look(67)]))).toBe(false);
  });

  it('judges Postgres only when the orders were counted, and remembers in between', () => {
    const bad = judgeConservation(ledger({ ordersHeld: 11, ordersSold: 20 }), undefined);
    const uncounted = ledgerFinding(judgeConservation(ledger(), undefined), false);
    expect(
      mustStop(
        fold([ledgerFinding(bad, true), uncounted, ledgerFinding(bad, true), uncounted, ledgerFinding(bad, true)]),
      ),
    ).toBe(true);
    const good = ledgerFinding(judgeConservation(ledger({ ordersHeld: 10, ordersSold: 20 }), undefined), true);
    expect(fold([ledgerFinding(bad, true), ledgerFinding(bad, true), good])).toBeUndefined();
  });
});
