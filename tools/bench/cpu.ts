// CPU time (user and system, with child processes) and memory of processes, read from /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** /proc counts CPU time in ticks; Linux has 100 ticks per second. */
const US_PER_TICK = 10_000;

export interface ProcessGroup {
  readonly name: string;
  /** The processes. Their child processes are included. */
  readonly pids: readonly number[];
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** Microseconds of CPU that the group has used so far. Zero where there is no /proc. */
export function cpuTimeUs(group: ProcessGroup): number {
  const stats = readStats();
  const members = new Set(group.pids);
  // A child may have a smaller process id than its parent: repeat until nothing is added.
  for (let size = -1; size !== members.size;) {
    size = members.size;
    for (const stat of stats) if (members.has(stat.parent)) members.add(stat.pid);
  }
  return stats.filter((stat) => members.has(stat.pid)).reduce((sum, stat) => sum + stat.ticks, 0) * US_PER_TICK;
}

/** Resident memory of a process in megabytes. Zero where there is no /proc. */
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
        // The command, in parentheses, may contain any character: the fields start after it.
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
        // User and system time of the process, and of its child processes that have ended.
        const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
        return [{ pid: Number(name), parent: Number(fields[1]), ticks }];
      } catch {
        return [];
      }
    });
}
