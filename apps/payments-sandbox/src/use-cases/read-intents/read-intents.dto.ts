import { FlagField, ListField } from '@gravity/service';
import { ASKED_INTENT_ID } from '../../sandbox-values';
import { IntentView } from '../intent.view';

/** Intents of one query. */
export const QUERIED_INTENTS_MAX = 200;

export class QueryIntentsBody {
  @ListField(ASKED_INTENT_ID, { min: 1, max: QUERIED_INTENTS_MAX })
  intentIds: string[];
}

/** The intents that exist. An id without an item belongs to no intent. */
export class IntentListView {
  @ListField(IntentView, { max: QUERIED_INTENTS_MAX }) items: IntentView[];
  @FlagField() hasMore: boolean;
}
