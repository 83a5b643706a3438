// Runs a walk turn by turn. Code of the service runs on promises only, and Node runs all promise callbacks that are due
// after each callback of setImmediate. So no service code is left to run between two turns.

/** Yields where all promise callbacks that are due must run before it goes on. */
export type Walk<T = void> = Generator<void, T, void>;

/** Turns that share one round of the event loop, because a round costs more than a turn. */
const TURNS_PER_ROUND = 64;

/** Runs the walk to its end. */
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
