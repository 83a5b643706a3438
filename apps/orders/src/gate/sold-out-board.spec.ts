// Goal: a flag refuses buyers without a claim for its life and epoch, and leaves nothing behind. Method: a clock of the spec.
import { SoldOutBoard } from './sold-out-board';

const FLAG_MS = 200;
const flagOf =
  (...buyers: string[]) =>
  async () => ({ flagMs: FLAG_MS, buyers: new Set(buyers) });

describe('the sold-out board', () => {
  let nowMs = 1_000;
  const board = new SoldOutBoard(() => nowMs);

  it('refuses buyers without a claim, under the epoch of the flag', async () => {
    await board.raise('item', 1n, flagOf('b_1'));
    expect(board.refuses('item', 1n, 'b_2')).toBe(true);
    expect(board.refuses('item', 1n, 'b_1')).toBe(false);
    expect(board.refuses('other', 1n, 'b_2')).toBe(false);
    expect(board.refuses('item', 2n, 'b_2')).toBe(false);
    expect(board.size).toBe(0);
  });

  it('refuses until the flag ends, counted from the question', async () => {
    await board.raise('item', 1n, async () => {
      nowMs += 50;
      return flagOf()();
    });
    nowMs += FLAG_MS - 51;
    expect(board.refuses('item', 1n, 'b_2')).toBe(true);
    nowMs += 1;
    expect(board.refuses('item', 1n, 'b_2')).toBe(false);
  });

  it('keeps no flag of an item that is not asked for again', async () => {
    for (let round = 0; round < 100; round += 1) {
      await board.raise(`item-${round}`, 1n, flagOf('b_1'));
      nowMs += FLAG_MS;
    }
    expect(board.size).toBe(1);
  });

  it('asks once at a time, and a failed question costs the flag alone', async () => {
    const asked: Promise<void>[] = [];
    let questions = 0;
    const failing = async (): Promise<never> => {
      questions += 1;
      throw new Error('no answer');
    };
    for (let count = 0; count < 3; count += 1) asked.push(board.raise('item', 1n, failing));
    await Promise.all(asked);
    expect([questions, board.refuses('item', 1n, 'b_2')]).toEqual([1, false]);
  });
});
