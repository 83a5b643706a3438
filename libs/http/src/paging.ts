// Lists: a limit, an opaque cursor, and whether there are more items. A cursor is signed with the list's name and
// filters, so it can neither be forged nor used for another list.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Problem } from '@gravity/contracts';
import { err, ok, type Result } from '@gravity/kernel';
import { Secret } from '@gravity/observability';

export const PAGE_LIMIT_MAX = 100;
const PAGE_LIMIT_DEFAULT = 20;
/** Characters of a cursor. */
export const CURSOR_LENGTH_MAX = 1_024;
const SIGNATURE_BYTES = 16;

/** The query of every list; extend it with the list's filters. */
export class ListQuery {
  /** Largest number of items, 1 to 100. */
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: PAGE_LIMIT_MAX,
    default: PAGE_LIMIT_DEFAULT,
    required: false,
    description: 'How many items at most',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_LIMIT_MAX)
  limit: number = PAGE_LIMIT_DEFAULT;

  /** `nextCursor` of the page before. */
  @ApiProperty({ required: false, maxLength: CURSOR_LENGTH_MAX, description: '`nextCursor` of the page before' })
  @IsOptional()
  @IsString()
  @MaxLength(CURSOR_LENGTH_MAX)
  cursor?: string;
}

/** One page in wire form. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly nextCursor?: string;
}

/** A page. It has a next cursor exactly when there are more items. */
export function listOf<T>(items: readonly T[], nextCursor?: string): Page<T> {
  return nextCursor === undefined ? { items, hasMore: false } : { items, hasMore: true, nextCursor };
}

export type CursorPosition = readonly (string | number | null)[];
export type CursorFilters = Readonly<Record<string, string | number | boolean | undefined>>;

/** Makes and reads cursors. All processes of a service share one secret (`CURSOR_SECRET`). */
export class CursorSigner {
  private readonly secret: Secret;

  constructor(secret: string) {
    this.secret = new Secret(secret);
  }

  /** A cursor for the position after which the next page starts. */
  encode(list: string, filters: CursorFilters, position: CursorPosition): string {
    const payload = Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
    return `${payload}.${this.sign(list, filters, payload).toString('base64url')}`;
  }

  /** The position in a cursor of this list with these filters, else `invalid-cursor`. */
  decode(list: string, filters: CursorFilters, cursor: string): Result<CursorPosition, Problem> {
    const [payload, signature, ...rest] = cursor.length > CURSOR_LENGTH_MAX ? [] : cursor.split('.');
    if (payload === undefined || signature === undefined || rest.length > 0) return invalidCursor();
    const given = Buffer.from(signature, 'base64url');
    const expected = this.sign(list, filters, payload);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return invalidCursor();
    return ok(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as CursorPosition);
  }

  /**
   * Makes a page from `limit + 1` rows. The extra row shows that there are more items, and the cursor points behind the
   * last item of the page.
   */
  page<R, T>(
    list: string,
    filters: CursorFilters,
    limit: number,
    rows: readonly R[],
    position: (row: R) => CursorPosition,
    show: (row: R) => T,
  ): Page<T> {
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return listOf(shown.map(show), last === undefined ? undefined : this.encode(list, filters, position(last)));
  }

  private sign(list: string, filters: CursorFilters, payload: string): Buffer {
    const bound = Object.entries(filters)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify([list, bound, payload]);
    return createHmac('sha256', this.secret.reveal()).update(text).digest().subarray(0, SIGNATURE_BYTES);
  }
}

function invalidCursor(): Result<CursorPosition, Problem> {
  return err({
    code: 'invalid-cursor',
    detail: 'Start the list again without a cursor, or use the nextCursor of a page with the same filters.',
  });
}
