// Pages of lists: the answer's class, and where a page begins.
import type { Type as Class } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import type { Problem } from '@gravity/contracts';
import type { CursorFilters, CursorPosition, CursorSigner, Page } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';

/** The class of a page of such answers, for the API document: `class ShopPage extends PageOf(ShopView) {}`. */
export function PageOf<T>(item: Class<T>): Class<Page<T>> {
  class PageView implements Page<T> {
    @ApiProperty({ type: [item] }) items: readonly T[];
    @ApiProperty({ required: false, description: 'Ask for the next page with it; absent on the last page' })
    nextCursor?: string;
    @ApiProperty() hasMore: boolean;
  }
  return PageView;
}

/** Where the list goes on: the position in the cursor, nothing at the start. Refusal: `invalid-cursor`. */
export function startOfPage(
  cursors: CursorSigner,
  list: string,
  filters: CursorFilters,
  cursor: string | undefined,
): Result<CursorPosition, Problem> {
  return cursor === undefined || cursor === '' ? ok([]) : cursors.decode(list, filters, cursor);
}
