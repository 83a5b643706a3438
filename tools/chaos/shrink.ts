// Delta debugging (Zeller's ddmin): the smallest set of faults that still breaks a promise, as far as leaving parts out can tell.

/**
 * Leaves out more and more of the parts while `breaks` still says yes. No single part of the result can be left out.
 * `breaks` is asked about subsets in their original order, and never about all of them.
 */
export async function shrink<T>(
  parts: readonly T[],
  breaks: (subset: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = parts;
  let chunks = 2;
  while (left.length > 1) {
    const smaller = await firstThatBreaks(left, Math.min(chunks, left.length), breaks);
    if (smaller !== undefined) {
      left = smaller.subset;
      chunks = smaller.wasOneChunk ? 2 : Math.max(2, chunks - 1);
      continue;
    }
    if (chunks >= left.length) return left;
    chunks *= 2;
  }
  return left;
}

async function firstThatBreaks<T>(
  parts: readonly T[],
  chunks: number,
  breaks: (subset: readonly T[]) => Promise<boolean>,
): Promise<{ readonly subset: readonly T[]; readonly wasOneChunk: boolean } | undefined> {
  const edge = (chunk: number): number => Math.floor((parts.length * chunk) / chunks);
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const subset = parts.slice(edge(chunk), edge(chunk + 1));
    if (await breaks(subset)) return { subset, wasOneChunk: true };
  }
  // Of two chunks, one is what the other leaves.
  for (let chunk = 0; chunk < chunks && chunks > 2; chunk += 1) {
    const subset = [...parts.slice(0, edge(chunk)), ...parts.slice(edge(chunk + 1))];
    if (await breaks(subset)) return { subset, wasOneChunk: false };
  }
  return undefined;
}
