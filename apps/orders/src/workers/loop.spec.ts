import { Logger } from '@nestjs/common';
import { sleep } from '@gravity/kernel';
import { Loop } from './loop';

class Probe extends Loop {
  turns = 0;
  active = 0;
  overlapped = false;

  constructor(private readonly work: (turn: number) => Promise<number | void>) {
    super({ name: 'probe', pauseMs: 10_000, backoffBaseMs: 1, backoffMaxMs: 4 });
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

beforeAll(() => Logger.overrideLogger(false));

describe('loop', () => {
  it('rests between turns, and a wake ends the rest', async () => {
    const probe = new Probe(async () => undefined);
    probe.start();
    probe.start();
    await sleep(20);
    expect(probe.turns).toBe(1);
    probe.wake();
    await sleep(20);
    expect(probe.turns).toBe(2);
    await probe.stop();
    await sleep(20);
    expect(probe.turns).toBe(2);
    expect(probe.overlapped).toBe(false);
  });

  it('does not lose a wake that comes during a turn', async () => {
    const probe = new Probe(() => sleep(10));
    probe.start();
    await sleep(2);
    probe.wake();
    await sleep(40);
    expect(probe.turns).toBe(2);
    await probe.stop();
  });

  it('goes on at once while there is more to do, and after failures', async () => {
    const probe = new Probe(async (turn) => {
      if (turn % 2 === 0) throw new Error('database lost');
      return turn < 10 ? 0 : undefined;
    });
    probe.start();
    await sleep(200);
    expect(probe.turns).toBe(11);
    await probe.stop();
  });

  it('waits for the turn under way when it stops, and can be started again', async () => {
    const probe = new Probe(() => sleep(30));
    probe.start();
    await sleep(5);
    await probe.stop();
    expect([probe.turns, probe.active]).toEqual([1, 0]);
    probe.start();
    await sleep(5);
    expect(probe.turns).toBe(2);
    await probe.stop();
  });
});
