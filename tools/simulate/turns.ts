// Takes a walk turn by turn. Code of the service runs on promises only, and Node runs all promises that have something to
// do after each callback of setImmediate: between two turns everything comes to a standstill.

/** Yields where everything that has been begun must have unfolded before it goes on. */
export type Walk<T = void> = Generator<void, T, void>;

/** So many turns share a round of the event loop, which costs more than a turn. */
const TURNS_PER_ROUND = 64;

/** Takes the walk to its end. */
export function walkToEnd<T>(walk: Walk<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false;
    const turn = (): void => {
      if (over) return;
      try {
        const next = walk.next();
        if (next.done !== true) return;
        resolve(next.value);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      over = true;
    };
    const round = (): void => {
      if (over) return;
      for (let count = 0; count < TURNS_PER_ROUND; count += 1) setImmediate(turn);
      setImmediate(round);
    };
    round();
  });
}
