// Codes that people type: SKU codes, coupon codes. A code keeps the form that was typed; a key decides whether two codes
// are the same. Codes that look alike have one key, so only one of them can exist.

/**
 * Characters of a code, as code points. Some become a whole word when they are normalised: a key has 18 times as many
 * characters and 2,112 bytes at most, which fits an index of Postgres.
 */
export const CODE_LENGTH_MAX = 64;

/** A code as it was typed, and what it is compared by. */
export interface Code {
  readonly typed: string;
  /** Trimmed, in Unicode's compatibility form, in lower case without a locale. Unique where codes are unique. */
  readonly key: string;
}

// Control, format, private and unassigned characters, line separators, fillers that show nothing, the empty Braille cell.
const INVISIBLE = '\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u2800';

/** What a code looks like, as a pattern of a JSON Schema: one visible character at least, and no invisible one. */
export const CODE_PATTERN = `^[^${INVISIBLE}]*[^\\s${INVISIBLE}][^${INVISIBLE}]*$`;

const FORBIDDEN = new RegExp(`[${INVISIBLE}]`, 'u');

/** Reads a typed code; undefined when it is empty, too long, or holds a character that does not show. */
export function parseCode(typed: string): Code | undefined {
  if (typed.length > 2 * CODE_LENGTH_MAX || [...typed].length > CODE_LENGTH_MAX || FORBIDDEN.test(typed))
    return undefined;
  const key = codeKey(typed);
  return key === '' ? undefined : { typed, key };
}

/** The key of a code, also of one from before codes were checked. */
export function codeKey(typed: string): string {
  return lowerCase(typed.normalize('NFKC')).normalize('NFKC').trim();
}

/** Letter by letter: a sigma at the end of a word is no other letter. */
function lowerCase(text: string): string {
  return Array.from(text, (char) => char.toLowerCase()).join('');
}
