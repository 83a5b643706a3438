// Conditions of a hand-written list query, collected with their parameters: the texts are ours, the values travel apart.
import type { Tx } from '@gravity/persistence';
import type { Visibility } from '@gravity/service';

/** A database or a transaction. */
export type Queryable = Pick<Tx, 'query'>;

export class Conditions {
  private readonly parts: string[] = [];
  readonly params: unknown[] = [];

  /** A placeholder for the value. */
  param(value: unknown): string {
    this.params.push(value);
    return `$${this.params.length}`;
  }

  add(condition: string): this {
    this.parts.push(condition);
    return this;
  }

  /** `column = value`, unless the value is undefined. */
  equal(column: string, value: unknown): this {
    return value === undefined ? this : this.add(`${column} = ${this.param(value)}`);
  }

  /** Restricts table `t`, which has `listed` and `merchant_id`, to what may be seen. */
  visible({ everything, merchantId }: Visibility): this {
    if (everything) return this;
    return this.add(merchantId === undefined ? 't.listed' : `(t.listed OR t.merchant_id = ${this.param(merchantId)})`);
  }

  get where(): string {
    return this.parts.length === 0 ? '' : `WHERE ${this.parts.join(' AND ')}`;
  }
}
