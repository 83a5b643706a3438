import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT_LOG } from './log';
import { OffsetCommits, type OffsetSource } from './offset-commits';

/** In place of a kafkajs batch: records commits, and refuses them on request. */
class Offsets implements OffsetSource {
  readonly committed: string[] = [];
  settled = 0;
  refusing = false;

  uncommittedOffsets(): ReturnType<OffsetSource['uncommittedOffsets']> {
    const done = this.committed.at(-1) === String(this.settled);
    return { topics: done ? [] : [{ topic: 't', partitions: [{ partition: 0, offset: String(this.settled) }] }] };
  }

  async commitOffsetsIfNecessary(offsets?: ReturnType<OffsetSource['uncommittedOffsets']>): Promise<void> {
    if (this.refusing) throw new Error('rebalance in progress');
    this.committed.push(offsets!.topics[0]!.partitions[0]!.offset);
  }
}

it('commits many settled batches at once', async () => {
  const offsets = new Offsets();
  const commits = new OffsetCommits(SILENT_LOG);
  for (offsets.settled = 1; offsets.settled < 20; offsets.settled += 1) commits.note(offsets);
  expect(offsets.committed).toEqual([]);
  while (offsets.committed.length === 0) await sleep(20);
  expect(offsets.committed).toEqual(['20']);
});

it('flushes at once, and commits nothing twice', async () => {
  const offsets = new Offsets();
  const commits = new OffsetCommits(SILENT_LOG);
  await commits.flush();
  offsets.settled = 7;
  commits.note(offsets);
  await Promise.all([commits.flush(), commits.flush()]);
  expect(offsets.committed).toEqual(['7']);
});

it('repeats refused offsets with the next commit', async () => {
  const offsets = new Offsets();
  const commits = new OffsetCommits(SILENT_LOG);
  offsets.settled = 1;
  offsets.refusing = true;
  commits.note(offsets);
  await expect(commits.flush()).resolves.toBeUndefined();
  offsets.refusing = false;
  offsets.settled = 2;
  commits.note(offsets);
  await commits.flush();
  expect(offsets.committed).toEqual(['2']);
});
