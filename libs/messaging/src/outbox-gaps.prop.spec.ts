// Goal: the relay publishes every committed id exactly once, drops only ids that were rolled back, and never stores
// a position beyond an id that may still be committed. Method: a model of Postgres' transaction ids, sequence and
// snapshots in which transactions begin, draw ids, end and are read in any order.
import fc from 'fast-check';
import { OutboxGaps } from './outbox-gaps';

interface ModelTransaction {
  readonly xid: number;
  readonly ids: number[];
}

/** Transaction ids are assigned before outbox ids are drawn, as the table's column order has it. */
class ModelPostgres {
  private nextXid = 1;
  private nextId = 1;
  readonly running: ModelTransaction[] = [];
  readonly visible = new Set<number>();

  begin(): void {
    this.running.push({ xid: this.nextXid++, ids: [] });
  }

  draw(pick: number): void {
    this.running[pick % Math.max(1, this.running.length)]?.ids.push(this.nextId++);
  }

  end(pick: number, commit: boolean): void {
    const [transaction] = this.running.splice(pick % Math.max(1, this.running.length), 1);
    if (transaction && commit) for (const id of transaction.ids) this.visible.add(id);
  }

  crashSkip(ids: number): void {
    this.nextId += ids;
  }

  get xmin(): bigint {
    return BigInt(Math.min(this.nextXid, ...this.running.map(({ xid }) => xid)));
  }

  drawXid(): bigint {
    return BigInt(this.nextXid++);
  }
}

type Step =
  | { kind: 'begin' }
  | { kind: 'draw'; pick: number }
  | { kind: 'end'; pick: number; commit: boolean }
  | { kind: 'skip'; ids: number }
  | { kind: 'restart' }
  | { kind: 'read'; lateFence: Step[] };

const pick = fc.nat({ max: 20 });
const plainStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'begin' }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('draw' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), pick, commit: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), ids: fc.integer({ min: 1, max: 40 }) }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: plainStep },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('read' as const), lateFence: fc.array(plainStep, { maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
);

class ModelRelay {
  state = new OutboxGaps(0);
  stored = 0;
  readonly published = new Set<number>();
  sinceRestart = new Set<number>();

  constructor(
    private readonly postgres: ModelPostgres,
    private readonly limit: number,
  ) {}

  /** One round; `between` happens after the snapshot and before the fence is drawn. */
  round(between: () => void): void {
    const ids = [...this.postgres.visible].sort((a, b) => a - b);
    const { high, gaps } = this.state;
    const above = ids.filter((id) => id > high).slice(0, this.limit);
    const inGaps = ids.filter((id) => gaps.some(({ lo, hi }) => id >= lo && id <= hi)).slice(0, this.limit);
    const cut = inGaps.length >= this.limit;
    const { xmin } = this.postgres;
    for (const id of [...inGaps, ...(cut ? [] : above)]) {
      expect(this.sinceRestart.has(id)).toBe(false);
      this.sinceRestart.add(id);
      this.published.add(id);
    }
    this.state.published({ inGaps, above: cut ? [] : above, xmin: cut ? 0n : xmin });
    between();
    if (this.state.needsFence) this.state.fence(this.postgres.drawXid());
    this.stored = this.state.position;
  }

  restart(): void {
    this.state = new OutboxGaps(this.stored);
    this.sinceRestart = new Set();
  }
}

describe('OutboxGaps', () => {
  it('loses nothing, repeats nothing, and settles every gap', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 6 }), (steps, limit) => {
        const postgres = new ModelPostgres();
        const relay = new ModelRelay(postgres, limit);
        const play = (next: Step): void => {
          if (next.kind === 'begin') postgres.begin();
          if (next.kind === 'draw') postgres.draw(next.pick);
          if (next.kind === 'end') postgres.end(next.pick, next.commit);
          if (next.kind === 'skip') postgres.crashSkip(next.ids);
          if (next.kind === 'restart') relay.restart();
          if (next.kind === 'read') relay.round(() => next.lateFence.forEach(play));
          const undecided = postgres.running.flatMap(({ ids }) => ids);
          for (const id of undecided) expect(relay.stored).toBeLessThan(id);
        };
        steps.forEach(play);
        while (postgres.running.length > 0) postgres.end(0, true);
        const ROUNDS_MAX = 2_000;
        for (let round = 0; round < ROUNDS_MAX; round += 1) relay.round(() => undefined);
        for (const id of postgres.visible) expect(relay.published.has(id)).toBe(true);
        expect(relay.state.gaps).toEqual([]);
        expect(relay.state.position).toBe(Math.max(0, ...postgres.visible));
      }),
      { numRuns: 300 },
    );
  });

  it('does not mistake a transaction beyond the latest completed one for an ended one', () => {
    const postgres = new ModelPostgres();
    const relay = new ModelRelay(postgres, 10);
    for (let count = 0; count < 3; count += 1) postgres.begin();
    postgres.draw(2); // the third transaction takes id 1,
    postgres.draw(0); // the first one id 2,
    postgres.end(0, true); // which alone is seen: the latest completed transaction is the first.
    relay.round(() => undefined);
    postgres.end(0, false); // With the second one gone, xmin is beyond the first snapshot's xmax,
    relay.round(() => undefined);
    expect(relay.stored).toBe(0); // but the third is still running,
    postgres.end(0, true); // and commits.
    relay.round(() => undefined);
    expect([...relay.published]).toEqual([2, 1]);
    expect(relay.stored).toBe(2);
  });
});
