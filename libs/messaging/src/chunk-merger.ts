// One fetch brings messages of several partitions. Applied together they cost one transaction instead of one each, and
// no partition waits for the transactions of the others.
import { soon } from '@gravity/kernel';
import type { Heartbeat } from './heartbeat';
import type { Incoming } from './incoming';

/** Messages of one partition, in order. */
interface Chunk {
  readonly topic: string;
  readonly messages: readonly Incoming[];
  readonly heartbeat: Heartbeat;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Applies messages of one topic, of one or several partitions; settles all of them or rejects. */
export type ApplyMessages = (topic: string, messages: readonly Incoming[], heartbeat: Heartbeat) => Promise<void>;

/** Gathers chunks of one topic that are submitted in the same turn of the event loop, or while others are applied. */
export class ChunkMerger {
  private waiting: Chunk[] = [];
  private running = false;

  constructor(
    private readonly apply: ApplyMessages,
    private readonly messagesMax: number,
  ) {}

  /** Resolves when the messages are settled. Rejects with the failure of the transaction that they were part of. */
  submit(topic: string, messages: readonly Incoming[], heartbeat: Heartbeat): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ topic, messages, heartbeat, resolve, reject });
      if (this.running) return;
      this.running = true;
      soon(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const chunks = this.take();
      const messages = chunks.flatMap((chunk) => chunk.messages);
      try {
        await this.apply(chunks[0]!.topic, messages, new SharedHeartbeat(chunks.map((chunk) => chunk.heartbeat)));
        for (const { resolve } of chunks) resolve();
      } catch (error) {
        for (const { reject } of chunks) reject(error);
      }
    }
    this.running = false;
  }

  /** The oldest chunk, with further chunks of its topic up to the limit. */
  private take(): Chunk[] {
    const { topic } = this.waiting[0]!;
    let room = this.messagesMax;
    const taken: Chunk[] = [];
    this.waiting = this.waiting.filter((chunk) => {
      const fits = taken.length === 0 || (chunk.topic === topic && chunk.messages.length <= room);
      if (!fits) return true;
      room -= chunk.messages.length;
      taken.push(chunk);
      return false;
    });
    return taken;
  }
}

/** The heartbeat of work for several partitions: it ends with the first of theirs. */
class SharedHeartbeat implements Heartbeat {
  constructor(private readonly heartbeats: readonly Heartbeat[]) {}

  alive(): boolean {
    return this.heartbeats.every((heartbeat) => heartbeat.alive());
  }

  async wait(ms: number): Promise<void> {
    await Promise.all(this.heartbeats.map((heartbeat) => heartbeat.wait(ms)));
  }
}
