// The only place that reads the machine's clocks. Everything else is given a Clock, so tests can move time.

/** Wall-clock time in milliseconds since the Unix epoch. */
export interface Clock {
  /** Whole milliseconds since the Unix epoch. May jump back, as the clocks of machines do. */
  nowMs(): number;
}

/** What code takes from the machine it runs on: time, pauses, and the end of a turn of the event loop. */
export interface Machine {
  /** What its wall clock shows, in milliseconds since the Unix epoch; jumps as the machine's does. */
  wallMs(): number;
  /** Milliseconds since a moment of its own choosing; never goes back. */
  monotonicMs(): number;
  /** Runs the work once the current turn of the event loop is over. */
  soon(work: () => void): void;
  /** Resolves after so many milliseconds, or once the signal is aborted; rejects never. */
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
 * Puts all code of this process on another machine, and answers how to put it back. For simulations: a schedule whose
 * time is made up repeats exactly.
 */
export function runOnMachine(other: Machine): () => void {
  machine = other;
  return () => {
    machine = realMachine;
  };
}

/** The machine's clock. */
export const systemClock: Clock = { nowMs: () => machine.wallMs() };

/** A clock that moves only when told to. */
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

/** Milliseconds that never jump back or forth with the wall clock; only differences mean anything. */
export function monotonicMs(): number {
  return machine.monotonicMs();
}

/** How fast two machines' clocks may drift apart. */
const DRIFT_MAX = 5e-4;

/**
 * Another machine's clock, followed by ours: anchored at a reading of the other clock and carried on by the monotonic
 * clock, so a jump of this machine's wall clock does not reach deadlines that the other machine enforces. Each reading
 * may be wrong by half of what the question took (F. Cristian, Probabilistic clock synchronization, 1989); one that took
 * long is set aside while a better one is known, unless the two contradict each other: then the other clock was set.
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

  /** Takes a new reading of the other clock, made just now, that is wrong by at most so many milliseconds. */
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

// A batch writes the same two moments, its own and its deadline, hundreds of times.
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

/** Resolves after the given time; rejects never. An aborted signal ends the wait early. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return machine.sleep(ms, signal);
}

/** Runs the work once the current turn of the event loop is over, together with whatever else it leaves behind. */
export function soon(work: () => void): void {
  machine.soon(work);
}

let leftBehind: (() => void)[] = [];

/** All work of a turn in one go, so that what it sends over one connection can leave together. */
function realSoon(work: () => void): void {
  if (leftBehind.length === 0) setImmediate(runLeftBehind);
  leftBehind.push(work);
}

function runLeftBehind(): void {
  const works = leftBehind;
  leftBehind = [];
  for (const work of works) {
    try {
      work();
    } catch (error) {
      // It ends the process as it would alone, and takes nothing from the others before.
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
