// The kinds of values that callers of the sandbox send and get.
import { values } from '@gravity/service';
import { TOKEN_PATTERN } from './domain/payment-plan';

/** Ids of the sandbox; see `newSandboxId`. */
export const INTENT_ID = values.matching('^pi_[0-9a-f]{32}$', 'must be the id of an intent');
export const CHARGE_ID = values.matching('^ch_[0-9a-f]{32}$', 'must be the id of a charge');
export const REFUND_ID = values.matching('^re_[0-9a-f]{32}$', 'must be the id of a refund');
/** The id of an intent in a request. A text of another form belongs to no intent and is answered so. */
export const ASKED_INTENT_ID = values.text({ max: 64 });
/** A token that chooses what happens to a payment. */
export const PAYMENT_TOKEN = values.matching(TOKEN_PATTERN, 'must be a token of the sandbox; its README lists them');

/** Characters of the merchant's own reference. */
export const REFERENCE_MAX = 64;
/** Characters of the URL at which a buyer pays. */
export const URL_MAX = 2_048;
