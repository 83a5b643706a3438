import { shrink } from './shrink';

const parts = Array.from({ length: 40 }, (_none, index) => index);

describe('shrinking', () => {
  it.each([[[17]], [[3, 31]], [[0, 1, 39]], [[5, 11, 22, 33]]])('finds exactly %j', async (needed) => {
    const asked: number[] = [];
    const found = await shrink(parts, async (subset) => {
      asked.push(subset.length);
      return needed.every((part) => subset.includes(part));
    });
    expect(found).toEqual(needed);
    expect(asked.length).toBeLessThan(200);
  });

  it('finds one of two causes', async () => {
    const found = await shrink(parts, async (subset) => subset.includes(8) || subset.includes(30));
    expect(found).toHaveLength(1);
    expect([8, 30]).toContain(found[0]);
  });

  it('keeps every part when all are needed, and never tries all', async () => {
    const breaks = jest.fn(async (subset: readonly number[]) => subset.length === 5);
    expect(await shrink([1, 2, 3, 4, 5], breaks)).toEqual([1, 2, 3, 4, 5]);
    expect(breaks).not.toHaveBeenCalledWith([1, 2, 3, 4, 5]);
  });
});
