import { eventually } from './eventually';

describe('eventually', () => {
  it('returns the value of the assertion when it holds', async () => {
    let calls = 0;
    const result = await eventually(() => {
      calls += 1;
      expect(calls).toBe(3);
      return 'held';
    });
    expect(result).toBe('held');
  });

  it('throws the last failure when the time is up', async () => {
    await expect(eventually(() => Promise.reject(new Error('never')), { withinMs: 30 })).rejects.toThrow('never');
  });
});
