// What the repositories need of a database or of a transaction, and where pages begin.
// Lists return one row more than the limit when there is more, which is what the cursor signer wants.

/** A database or a transaction. */
export interface Queryable {
  query<T>(text: string, params?: readonly unknown[]): Promise<T[]>;
}

export interface PageRequest {
  readonly limit: number;
  /** The id of the last row of the page before, as uuid. */
  readonly afterId?: string;
}

/** Conditions collected with their parameters; the texts are ours, the values always travel apart. */
export class Conditions {
  private readonly parts: string[] = [];
  readonly params: unknown[] = [];

  /** A placeholder for the value. */
  param(value: unknown): string {
    this.params.push(value);
    return `$${this.params.length}`;
  }

  add(condition: string): void {
    this.parts.push(condition);
  }

  /** `column = value`, unless the value is undefined. */
  equal(column: string, value: unknown): void {
    if (value !== undefined) this.add(`${column} = ${this.param(value)}`);
  }

  get where(): string {
    return this.parts.length === 0 ? '' : `WHERE ${this.parts.join(' AND ')}`;
  }
}
