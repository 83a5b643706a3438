// When a consumer tells Kafka how far it is. Each commit costs Kafka a record and a flush, so they gather; what a lost one
// delivers again is known to the inbox.
import type { EachBatchPayload } from 'kafkajs';
import { type MessagingLog, reasonOf } from './log';

/** The longest time for which work done may be unknown to Kafka. */
const COMMIT_EVERY_MS = 500;

/** The part of a kafkajs batch that knows the offsets of its whole consumer. */
export type OffsetSource = Pick<EachBatchPayload, 'commitOffsetsIfNecessary' | 'uncommittedOffsets'>;

/** The offset commits of one kafkajs consumer. */
export class OffsetCommits {
  private source: OffsetSource | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly log: MessagingLog) {}

  /** Says that messages of this batch were settled: they are committed within half a second. */
  note(source: OffsetSource): void {
    this.source = source;
    this.timer ??= setTimeout(() => void this.flush(), COMMIT_EVERY_MS);
  }

  /**
   * Commits what was settled so far. Never rejects: an offset that Kafka refuses belongs to another member by now, and
   * the next commit carries what a lost one carried.
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
      // Called with offsets it commits these, always.
      await this.source!.commitOffsetsIfNecessary(offsets);
    } catch (error) {
      this.log.debug('offsets not committed', { error: reasonOf(error) });
    }
  }
}
