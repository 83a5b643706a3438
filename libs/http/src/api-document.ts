// The API document as text, made at the first request for it.
import { Injectable } from '@nestjs/common';

/** Holds the OpenAPI document of the process; it is built on the first request. */
@Injectable()
export class ApiDocument {
  private build: (() => object) | undefined;
  private written: string | undefined;

  /**
   * Says how the document is built. The application exists only after its providers.
   * @internal
   */
  from(build: () => object): void {
    this.build = build;
  }

  /** The document in JSON. */
  text(): string {
    this.written ??= JSON.stringify(this.build?.() ?? {});
    return this.written;
  }
}
