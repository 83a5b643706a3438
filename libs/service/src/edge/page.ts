// Pages of lists: the answer's class, and where a page begins.
import type { Type as Class } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import {
  CURSOR_LENGTH_MAX,
  type CursorFilters,
  type CursorPosition,
  type CursorSigner,
  type Page,
  PAGE_LIMIT_MAX,
} from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { FlagField, ListField, TextViewField } from './fields';

/** The class of a page of such answers, for the API document: `class ShopPage extends PageOf(ShopView) {}`. */
export function PageOf<T>(item: Class<T>): Class<Page<T>> {
  class PageView implements Page<T> {
    @ListField(item as Class<object>, { max: PAGE_LIMIT_MAX }) items: readonly T[];
    @TextViewField({
      max: CURSOR_LENGTH_MAX,
      optional: true,
      description: 'Ask for the next page with it; absent on the last page',
    })
    nextCursor?: string;
    @FlagField() hasMore: boolean;
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
