// Goal: at any times of arrival and with any poisonous commands, each command gets exactly one answer, its own, in
// order; a poisonous command fails alone. Method: random arrivals against an execute that checks atomicity.
import fc from 'fast-check';
import { GroupCommit } from './group-commit';

class Poisoned extends Error {}

describe('GroupCommit', () => {
  it('answers every command once, with its own answer, and isolates poison', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ poison: fc.boolean(), pause: fc.integer({ min: 0, max: 3 }) }), {
          minLength: 1,
          maxLength: 80,
        }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 3 }),
        async (commands, batchMax, inFlightMax) => {
          const applied: number[] = [];
          const commits = new GroupCommit<number, string>({
            name: 'prop',
            batchMax,
            queueMax: 1_000,
            inFlightMax,
            isSplittable: (error) => error instanceof Poisoned,
            execute: async (batch) => {
              expect(batch.length).toBeLessThanOrEqual(batchMax);
              await new Promise((resolve) => setImmediate(resolve));
              if (batch.some((index) => commands[index]!.poison)) throw new Poisoned();
              applied.push(...batch);
              return batch.map((index) => `answer ${index}`);
            },
          });
          const answers: Promise<PromiseSettledResult<string>[]>[] = [];
          for (const [index, { pause }] of commands.entries()) {
            answers.push(Promise.allSettled([commits.submit(index)]));
            for (let turns = 0; turns < pause; turns += 1) await new Promise((resolve) => setImmediate(resolve));
          }
          const settled = (await Promise.all(answers)).flat();
          await commits.drain();
          settled.forEach((answer, index) => {
            if (commands[index]!.poison) expect(answer.status).toBe('rejected');
            else expect(answer).toEqual({ status: 'fulfilled', value: `answer ${index}` });
          });
          const healthy = commands.flatMap(({ poison }, index) => (poison ? [] : [index]));
          expect([...applied].sort((a, b) => a - b)).toEqual(healthy);
          if (inFlightMax === 1) expect(applied).toEqual(healthy);
        },
      ),
      { numRuns: 200 },
    );
  });
});
