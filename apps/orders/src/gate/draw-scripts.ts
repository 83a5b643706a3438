// The scripts by which processes agree on the result of an opening's draw. They decide nothing: the gate and Postgres
// give units to claims. A lost draw costs exactness only.
import { CLOCK, gateKeys } from './gate-scripts';

/** The gate's item, and the ranks that were drawn: a sorted set whose members are their own scores. */
export function drawKeys(seriesId: string, itemId: string): string[] {
  const item = gateKeys(seriesId, itemId)[2]!;
  return [item, `${item}:draw`];
}

export const DRAW_KEY_COUNT = 2;

/** Ranks are kept this long after the entries close, in milliseconds. Every process has asked by then. */
const KEEP_MS = 60_000;

/** Answers of the script of entries. */
export const ENTERED = {
  /** The gate is not there, so the number of units to draw for is unknown. */
  ABSENT: 0,
  /** Too late. */
  CLOSED: 1,
  /** Ranks after the last of these are not drawn. */
  ENOUGH: 2,
  MORE: 3,
} as const;

/**
 * Enters ranks, as many of the lowest are kept as there are units. ARGV: when entries close, in milliseconds, and the
 * ranks, ascending; none to see whether the gate is there. Answers one of {@link ENTERED}. Idempotent.
 */
export const ENTER_DRAW_SCRIPT = `${CLOCK}
local units = redis.call('HMGET', KEYS[1], 'available', 'cooling', 'claimed')
if not units[1] then return ${ENTERED.ABSENT} end
if clock() >= tonumber(ARGV[1]) then return ${ENTERED.CLOSED} end
if #ARGV == 1 then return ${ENTERED.MORE} end
local entries = {}
for n = 2, #ARGV do
  entries[#entries + 1] = ARGV[n]
  entries[#entries + 1] = ARGV[n]
end
redis.call('ZADD', KEYS[2], unpack(entries))
redis.call('ZREMRANGEBYRANK', KEYS[2], units[1] + units[2] + units[3], -1)
redis.call('PEXPIREAT', KEYS[2], ARGV[1] + ${KEEP_MS})
if redis.call('ZSCORE', KEYS[2], ARGV[#ARGV]) then return ${ENTERED.MORE} end
return ${ENTERED.ENOUGH}
`;

/**
 * The highest rank that was drawn. ARGV: when entries close. Answers {how long until they close, in milliseconds}, or
 * {0, rank}, or {0} without entries; after the close every process gets the same answer.
 */
export const DRAWN_SCRIPT = `${CLOCK}
local now = clock()
if now < tonumber(ARGV[1]) then return {ARGV[1] - now} end
return {0, redis.call('ZREVRANGE', KEYS[2], 0, 0)[1]}
`;
