// The only file that reads the machine's clocks. Other code gets a Clock, so that tests can move time.

/** Wall-clock time in milliseconds since the Unix epoch. */
export interface Clock {
  /** Whole milliseconds since the Unix epoch. May jump back, as a machine's clock may. */
  nowMs(): number;
}

/** The machine that code runs on: its time, its pauses, and its turns of the event loop. */
export interface Machine {
  /** The wall clock, in milliseconds since the Unix epoch. It may jump. */
  wallMs(): number;
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicMs(): number;
  /** Runs the work after the current turn of the event loop. */
  soon(work: () => void): void;
  /** Resolves after so many milliseconds, or when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const realMachine: Machine = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  soon: realSoon,
  sleep: realSleep,
};

let machine = realMachine;

/**
 * Runs all code of this process on another machine, and returns a function that ends this. Simulations use it: a
 * schedule with simulated time repeats exactly.
 */
export function runOnMachine(other: Machine): () => void {
  machine = other;
  return () => {
    machine = realMachine;
  };
}

/** The machine's clock. */
export const systemClock: Clock = { nowMs: () => machine.wallMs() };

/** A clock that moves only by {@link ManualClock.advance}. */
export class ManualClock implements Clock {
  constructor(private ms: number) {}

  nowMs(): number {
    return this.ms;
  }

  /** Moves the clock; a negative step is a clock that jumps back. */
  advance(stepMs: number): void {
    this.ms += stepMs;
  }
}

/** Milliseconds that do not jump with the wall clock. Only differences have a meaning. */
export function monotonicMs(): number {
  return machine.monotonicMs();
}

/** Largest drift between the clocks of two machines: milliseconds per millisecond. */
const DRIFT_MAX = 5e-4;

/**
 * The clock of another machine: a reading of it, continued by the monotonic clock of this one. A jump of this machine's
 * wall clock therefore does not change deadlines that the other machine enforces. The error of a reading is at most
 * half of its round trip (F. Cristian, Probabilistic clock synchronization, 1989). A reading with a large error is
 * ignored while a better one is known, unless the two contradict each other: then the other clock was set.
 */
export class AnchoredClock implements Clock {
  private offsetMs: number;
  private anchoredAtMs: number;

  constructor(
    readingMs: number,
    private readonly monotonic: () => number = monotonicMs,
    private errorMs = 0,
  ) {
    this.anchoredAtMs = this.monotonic();
    this.offsetMs = readingMs - this.anchoredAtMs;
  }

  nowMs(): number {
    return Math.floor(this.offsetMs + this.monotonic());
  }

  /** Takes a reading of the other clock, made at this moment, with an error of at most `errorMs` milliseconds. */
  anchor(readingMs: number, errorMs = 0): void {
    const nowMs = this.monotonic();
    const knownErrorMs = this.errorMs + (nowMs - this.anchoredAtMs) * DRIFT_MAX;
    const apartMs = Math.abs(readingMs - nowMs - this.offsetMs);
    if (errorMs > knownErrorMs && apartMs <= errorMs + knownErrorMs) return;
    this.errorMs = errorMs;
    this.anchoredAtMs = nowMs;
    this.offsetMs = readingMs - nowMs;
  }
}

// A batch formats the same two moments, its own and its deadline, hundreds of times.
const written: { readonly ms: number; readonly text: string }[] = [];
let oldest = 0;

/** RFC 3339 in UTC with milliseconds. */
export function toRfc3339(ms: number): string {
  for (const known of written) if (known.ms === ms) return known.text;
  const text = new Date(ms).toISOString();
  written[oldest] = { ms, text };
  oldest = 1 - oldest;
  return text;
}

/** Resolves after the given time. Never rejects. An aborted signal ends the wait early. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return machine.sleep(ms, signal);
}

/** Runs the work after the current turn of the event loop, together with the other work submitted in that turn. */
export function soon(work: () => void): void {
  machine.soon(work);
}

let afterTurn: (() => void)[] = [];

/** Runs all work of a turn at once, so that its writes to one connection are sent together. */
function realSoon(work: () => void): void {
  if (afterTurn.length === 0) setImmediate(runAfterTurn);
  afterTurn.push(work);
}

function runAfterTurn(): void {
  const works = afterTurn;
  afterTurn = [];
  for (const work of works) {
    try {
      work();
    } catch (error) {
      // The error ends the process as an uncaught one does, after the other work of the turn.
      setImmediate(() => {
        throw error;
      });
    }
  }
}

function realSleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
