// Loaded into a service before its own code. Shifts its wall clock by the number of milliseconds in a file, which may change
// at any time. Timers and the monotonic clock do not change.
import { readFileSync } from 'node:fs';

const POLL_MS = 100;

const file = process.env['CHAOS_CLOCK_FILE'];
const RealDate = Date;
let offsetMs = 0;

function now(): number {
  return RealDate.now() + offsetMs;
}

function readOffset(path: string): void {
  try {
    const read = Number(readFileSync(path, 'utf8'));
    if (Number.isFinite(read)) offsetMs = read;
  } catch {
    // Without a file the clock is not shifted.
    offsetMs = 0;
  }
}

if (file !== undefined) {
  readOffset(file);
  setInterval(() => readOffset(file), POLL_MS).unref();
  globalThis.Date = new Proxy(RealDate, {
    get: (target, key, receiver): unknown => (key === 'now' ? now : Reflect.get(target, key, receiver)),
    construct: (target, args, newTarget): Date =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    apply: () => new RealDate(now()).toString(),
  });
}
