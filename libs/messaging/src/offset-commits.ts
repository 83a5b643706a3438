// Commits the offsets of a consumer. Each commit costs Kafka a record and a flush, so commits are batched. After a lost
// commit, messages are delivered again, and the inbox recognises them.
import type { EachBatchPayload } from 'kafkajs';
import { type MessagingLog, reasonOf } from './log';

/** Longest time between a settled message and its commit. */
const COMMIT_EVERY_MS = 500;

/** The part of a kafkajs batch that knows the offsets of its whole consumer. */
export type OffsetSource = Pick<EachBatchPayload, 'commitOffsetsIfNecessary' | 'uncommittedOffsets'>;

/** The offset commits of one kafkajs consumer. */
export class OffsetCommits {
  private source: OffsetSource | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly log: MessagingLog) {}

  /** Takes note of settled messages of this batch: they are committed within half a second. */
  note(source: OffsetSource): void {
    this.source = source;
    this.timer ??= setTimeout(() => void this.flush(), COMMIT_EVERY_MS);
  }

  /**
   * Commits the messages settled so far. Never rejects: Kafka refuses offsets of partitions that another member owns,
   * and the next commit repeats the offsets of a lost one.
   */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running = this.running.then(() => this.commit());
    return this.running;
  }

  private async commit(): Promise<void> {
    const offsets = this.source?.uncommittedOffsets();
    if (offsets === undefined || offsets.topics.length === 0) return;
    try {
      // kafkajs commits offsets that are passed explicitly whether or not its own commit threshold is reached.
      await this.source!.commitOffsetsIfNecessary(offsets);
    } catch (error) {
      this.log.debug('offsets not committed', { error: reasonOf(error) });
    }
  }
}
