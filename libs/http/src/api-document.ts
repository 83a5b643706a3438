// The API document as text, made at the first request for it.
import { Injectable } from '@nestjs/common';

@Injectable()
export class ApiDocument {
  private build: (() => object) | undefined;
  private written: string | undefined;

  /** @internal The application exists only after its providers. */
  from(build: () => object): void {
    this.build = build;
  }

  text(): string {
    this.written ??= JSON.stringify(this.build?.() ?? {});
    return this.written;
  }
}
