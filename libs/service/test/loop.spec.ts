// Goal: turns follow one another while there is work, a wake is never lost, and a stop waits. Method: turns that the
// test ends, and pauses that only the tested action can end.
import { Logger } from '@nestjs/common';
import { monotonicMs, sleep } from '@gravity/kernel';
import { eventually } from '@gravity/testing';
import { Loop } from '../src';

/** Long enough for a wrong turn to start. */
const A_WHILE_MS = 20;

class Probe extends Loop {
  turns = 0;
  active = 0;
  overlapped = false;

  constructor(private readonly work: (turn: number) => Promise<number | void>) {
    super({ name: 'probe', pauseMs: 600_000, backoffBaseMs: 1, backoffMaxMs: 4 });
  }

  protected override async turn(): Promise<number | void> {
    this.turns += 1;
    this.active += 1;
    this.overlapped ||= this.active > 1;
    try {
      return await this.work(this.turns);
    } finally {
      this.active -= 1;
    }
  }
}

/** A loop whose turns end on request. */
function slowProbe(): { probe: Probe; endTurn: () => void } {
  let end: () => void;
  const probe = new Probe(() => new Promise<void>((resolve) => (end = resolve)));
  return { probe, endTurn: () => end() };
}

async function expectTurns(probe: Probe, turns: number): Promise<void> {
  await eventually(() => expect(probe.turns).toBe(turns));
  await sleep(A_WHILE_MS);
  expect(probe.turns).toBe(turns);
}

beforeAll(() => Logger.overrideLogger(false));

describe('loop', () => {
  it('pauses between turns, and a wake ends the pause', async () => {
    const probe = new Probe(async () => undefined);
    probe.start();
    probe.start();
    await expectTurns(probe, 1);
    probe.wake();
    await expectTurns(probe, 2);
    await probe.stop();
    await expectTurns(probe, 2);
    expect(probe.overlapped).toBe(false);
  });

  it('does not lose a wake that comes during a turn', async () => {
    const { probe, endTurn } = slowProbe();
    probe.start();
    await expectTurns(probe, 1);
    probe.wake();
    await expectTurns(probe, 1);
    endTurn();
    await expectTurns(probe, 2);
    endTurn();
    await probe.stop();
  });

  it('continues at once while there is more work, and after failures', async () => {
    const probe = new Probe(async (turn) => {
      if (turn % 2 === 0) throw new Error('database lost');
      return turn < 10 ? 0 : undefined;
    });
    probe.start();
    await expectTurns(probe, 11);
    await probe.stop();
  });

  it('keeps its pause after a failure, also when it is woken many times, and then continues', async () => {
    class Broken extends Loop {
      turns = 0;

      constructor() {
        super({ name: 'broken', pauseMs: 600_000, backoffBaseMs: 200, backoffMaxMs: 200 });
      }

      protected override async turn(): Promise<void> {
        this.turns += 1;
        if (this.turns < 4) throw new Error('database lost');
      }
    }
    const loop = new Broken();
    const startedMs = monotonicMs();
    loop.start();
    for (let woken = 0; woken < 50; woken += 1) {
      loop.wake();
      await sleep(1);
    }
    // A back-off is between half and all of 200 ms, less a tenth.
    expect(loop.turns).toBeLessThanOrEqual(1 + (monotonicMs() - startedMs) / 90);
    await eventually(() => expect(loop.turns).toBe(4));
    // Once it works again, a wake ends its pause as before.
    await sleep(A_WHILE_MS);
    const { turns } = loop;
    loop.wake();
    await eventually(() => expect(loop.turns).toBe(turns + 1));
    await loop.stop();
  });

  it('waits for the current turn when it stops, and can be started again', async () => {
    const { probe, endTurn } = slowProbe();
    probe.start();
    await expectTurns(probe, 1);
    let stopped = false;
    const stop = probe.stop().then(() => (stopped = true));
    await sleep(A_WHILE_MS);
    expect(stopped).toBe(false);
    endTurn();
    await stop;
    expect([probe.turns, probe.active]).toEqual([1, 0]);
    probe.start();
    await expectTurns(probe, 2);
    endTurn();
    await probe.stop();
  });
});
