// Delta debugging (Zeller's ddmin): a smaller set of faults that still breaks a promise.

/**
 * Removes parts while `breaks` returns true for the rest. No single part of the result can be removed. `breaks` gets
 * proper subsets in their original order.
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
  // With two chunks, the complement of one is the other.
  for (let chunk = 0; chunk < chunks && chunks > 2; chunk += 1) {
    const subset = [...parts.slice(0, edge(chunk)), ...parts.slice(edge(chunk + 1))];
    if (await breaks(subset)) return { subset, wasOneChunk: false };
  }
  return undefined;
}
