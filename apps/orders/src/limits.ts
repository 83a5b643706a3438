// Bounds of what orders takes and shows. The API document names them.

/** Characters of a title. */
export const TITLE_MAX = 200;
/** Characters of a buyer's id. */
export const BUYER_ID_MAX = 200;
/** Items of a round. */
export const ITEMS_MAX = 50;
/** Regions of an item. */
export const REGIONS_MAX = 400;
/** Units of an item in one round. */
export const QUOTA_MAX = 10_000_000;
/** Units or wins of one buyer. */
export const LIMIT_MAX = 100_000;
/** Characters of the reason that an operator gives. */
export const REASON_MAX = 500;
