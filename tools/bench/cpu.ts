// What processes use, from /proc: CPU time, user and system, children of a server included; memory.
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second of /proc on every Linux that Node runs on. */
const US_PER_TICK = 10_000;

export interface ProcessGroup {
  readonly name: string;
  /** The processes; those they have started are included. */
  readonly pids: readonly number[];
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** Microseconds of CPU that the group has used so far. Zero where there is no /proc. */
export function cpuTicks(group: ProcessGroup): number {
  const stats = readStats();
  const members = new Set(group.pids);
  // Children have greater process ids than their parents only usually: repeat until nothing is added.
  for (let size = -1; size !== members.size;) {
    size = members.size;
    for (const stat of stats) if (members.has(stat.parent)) members.add(stat.pid);
  }
  return stats.filter((stat) => members.has(stat.pid)).reduce((sum, stat) => sum + stat.ticks, 0) * US_PER_TICK;
}

/** Megabytes of memory that a process holds. Zero where there is no /proc. */
export function residentMb(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

function readStats(): Stat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const text = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The command, in parentheses, may contain anything: fields are counted from behind it.
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
        // User and system time of the process, then of its children that have ended: what they used does not get lost.
        const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
        return [{ pid: Number(name), parent: Number(fields[1]), ticks }];
      } catch {
        return [];
      }
    });
}
