// Bounds of texts, in characters. The API document names them.

/** A name of a merchant or a shop. */
export const NAME_MAX = 200;
/** A title of a product or a SKU. */
export const TITLE_MAX = 200;
/** The description of a product. */
export const DESCRIPTION_MAX = 5_000;
