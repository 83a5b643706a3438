// What one fetch brings lies in several partitions. Applied together they cost one transaction instead of one each, and no
// partition waits for the transactions of those before it.
import { soon } from '@gravity/kernel';
import type { Incoming } from './incoming';
import type { Pulse } from './pulse';

/** Messages of one partition, in order. */
interface Chunk {
  readonly topic: string;
  readonly messages: readonly Incoming[];
  readonly pulse: Pulse;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Applies messages of one topic, of one or several partitions; settles all of them or rejects. */
export type ApplyMessages = (topic: string, messages: readonly Incoming[], pulse: Pulse) => Promise<void>;

/** Gathers chunks of one topic that are submitted in the same turn of the event loop, or while others are applied. */
export class ChunkMerger {
  private waiting: Chunk[] = [];
  private running = false;

  constructor(
    private readonly apply: ApplyMessages,
    private readonly messagesMax: number,
  ) {}

  /** Resolves once the messages are settled; rejects with what applying them, alone or with others, rejected with. */
  submit(topic: string, messages: readonly Incoming[], pulse: Pulse): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ topic, messages, pulse, resolve, reject });
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
        await this.apply(chunks[0]!.topic, messages, new SharedPulse(chunks.map(({ pulse }) => pulse)));
        for (const { resolve } of chunks) resolve();
      } catch (error) {
        for (const { reject } of chunks) reject(error);
      }
    }
    this.running = false;
  }

  /** The oldest chunk and those of its topic that fit in with it. */
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

/** Work for several partitions is wanted as long as each of them wants it. */
class SharedPulse implements Pulse {
  constructor(private readonly pulses: readonly Pulse[]) {}

  alive(): boolean {
    return this.pulses.every((pulse) => pulse.alive());
  }

  async wait(ms: number): Promise<void> {
    await Promise.all(this.pulses.map((pulse) => pulse.wait(ms)));
  }
}
