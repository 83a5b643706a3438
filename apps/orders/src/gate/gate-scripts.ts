// The gate's Lua scripts. Every key of a series shares one hash tag, so a script runs on one node and sees all it needs.
// Redis runs a script as a whole: nothing comes between its reads and its writes.

/**
 * Key layout. `{…}` is the hash tag: the series' uuid.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `gate:{series}` | hash | `epoch`, `state` (loading, open) |
 * | `gate:{series}:wins` | hash | buyer → wins in the series |
 * | `gate:{series}:<item>` | hash | `epoch`, `state` (open, stopped), `opensAt`, `closesAt`, `available`, `cooling`, `coolUntil`, `claimed`, `perBuyer`, `winLimit` (0: none), `admissions` |
 * | `gate:{series}:<item>:claims` | hash | claim id → `quantity|buyer|admission`; quantity 0: given back later |
 * | `gate:{series}:<item>:pending` | sorted set | claim ids whose decision is not reported yet, by time of admission |
 * | `gate:{series}:<item>:buyers` | hash | buyer → units claimed |
 */
export function gateKeys(seriesId: string, itemId: string): string[] {
  const series = `gate:{${seriesId}}`;
  const item = `${series}:${itemId}`;
  return [series, `${series}:wins`, item, `${item}:claims`, `${item}:pending`, `${item}:buyers`];
}

/** Number of keys that {@link gateKeys} returns; fixed, so that a cluster client can find the slot. */
export const GATE_KEY_COUNT = 6;

/** The longest life of a local sold-out flag. A returned unit rests this long before it is offered again. */
export const SOLD_OUT_FLAG_MS = 200;

/** First element of the claim script's answer. */
export const GATE_REPLY = { ANSWERED: 0, ABSENT: 1, OTHER_EPOCH: 2, LOADING: 3 } as const;

/** Per-claim answers of the claim script. */
export const GATE_CODE = {
  ADMITTED: 1,
  KNOWN: 2,
  SOLD_OUT: 3,
  LIMIT_REACHED: 4,
  ALREADY_WON: 5,
  NOT_OPEN: 6,
  CLOSED: 7,
  STOPPED: 8,
  /** The claim was admitted with another quantity: another request under the same key. */
  OTHER_QUANTITY: 9,
} as const;

/** Redis' own time, in milliseconds. The gate judges by it. */
export const CLOCK = `
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
`;

/** Returned units that have rested are for sale again. Shared by the scripts that look at `available`. */
const WARM_UP_COOLED = `${CLOCK}
local function cooled(item, now)
  local f = redis.call('HMGET', item, 'available', 'cooling', 'coolUntil')
  local available, cooling, untilMs = tonumber(f[1]), tonumber(f[2]), tonumber(f[3])
  if cooling > 0 and now >= untilMs then
    available = available + cooling
    cooling = 0
    redis.call('HSET', item, 'available', available, 'cooling', 0)
  end
  return available, cooling, untilMs
end
`;

/** Numbers of many names in a hash, read and written with one command for the whole batch. */
const COUNTS = `
local function append(list, first, second)
  list[#list + 1] = first
  list[#list + 1] = second
end
local function counts(key, names)
  local found = {}
  local values = redis.call('HMGET', key, unpack(names))
  for n, name in ipairs(names) do found[name] = tonumber(values[n] or 0) end
  return found
end
local function save(key, names, numbers)
  local fields = {}
  for _, name in ipairs(names) do append(fields, name, numbers[name]) end
  redis.call('HSET', key, unpack(fields))
end
`;

/**
 * Admits or refuses a batch of claims for one item. ARGV: epoch, and one JSON array with claim id, buyer, quantity of
 * each claim: one long argument costs client and server a fraction of hundreds of short ones. Answers {ANSWERED, now,
 * available, opensAt, flagMs, (code, admission)…}, {ABSENT}, {OTHER_EPOCH, epoch} or {LOADING}. Idempotent by claim id:
 * a claim that was admitted before is answered KNOWN with its first admission number, also after the window has closed,
 * or OTHER_QUANTITY when the request differs.
 */
export const CLAIM_SCRIPT = `${WARM_UP_COOLED}${COUNTS}
local series, wins, item, claims, pending, buyers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local s = redis.call('HMGET', series, 'epoch', 'state')
local g = redis.call('HMGET', item, 'epoch', 'state', 'opensAt', 'closesAt', 'perBuyer', 'winLimit', 'admissions')
if not s[1] then return {${GATE_REPLY.ABSENT}} end
if s[1] ~= ARGV[1] then return {${GATE_REPLY.OTHER_EPOCH}, s[1]} end
if s[2] ~= 'open' then return {${GATE_REPLY.LOADING}} end
if g[1] ~= ARGV[1] then return {${GATE_REPLY.ABSENT}} end
local now = clock()
local available, cooling, coolUntil = cooled(item, now)
local opensAt, perBuyer, winLimit, admissions = tonumber(g[3]), tonumber(g[5]), tonumber(g[6]), tonumber(g[7])
local window = 0
if now >= tonumber(g[4]) then window = ${GATE_CODE.CLOSED}
elseif g[2] ~= 'open' then window = ${GATE_CODE.STOPPED}
elseif now < opensAt then window = ${GATE_CODE.NOT_OPEN} end
local asked = cjson.decode(ARGV[2])
local ids, names = {}, {}
for i = 1, #asked, 3 do
  ids[#ids + 1] = asked[i]
  names[#names + 1] = asked[i + 1]
end
local known = redis.call('HMGET', claims, unpack(ids))
local units, won = counts(buyers, names), winLimit > 0 and counts(wins, names)
local seen, notes, due, admitted = {}, {}, {}, {}
local reply = {${GATE_REPLY.ANSWERED}, now, 0, g[3], 0}
local taken = 0
for n = 1, #ids do
  local id, buyer, quantity = ids[n], names[n], asked[n * 3]
  local code, admission = window, 0
  local record = known[n] or seen[id]
  if record then
    code = ${GATE_CODE.KNOWN}
    admission = tonumber(string.match(record, '([^|]*)$'))
    -- Only the units that were taken may be decided on. 0: given back, so there is an order that tells.
    local noted = tonumber(string.match(record, '^%d+'))
    if noted > 0 and noted ~= quantity then code = ${GATE_CODE.OTHER_QUANTITY} end
  elseif window == 0 then
    if available < quantity then code = ${GATE_CODE.SOLD_OUT}
    elseif units[buyer] + quantity > perBuyer then code = ${GATE_CODE.LIMIT_REACHED}
    elseif won and won[buyer] >= winLimit then code = ${GATE_CODE.ALREADY_WON}
    else
      code = ${GATE_CODE.ADMITTED}
      admissions = admissions + 1
      admission = admissions
      available = available - quantity
      taken = taken + quantity
      units[buyer] = units[buyer] + quantity
      if won then won[buyer] = won[buyer] + 1 end
      local note = quantity .. '|' .. buyer .. '|' .. admission
      seen[id] = note
      append(notes, id, note)
      append(due, now, id)
      admitted[#admitted + 1] = buyer
    end
  end
  append(reply, code, admission)
end
if taken > 0 then
  redis.call('HSET', claims, unpack(notes))
  redis.call('ZADD', pending, unpack(due))
  save(buyers, admitted, units)
  if won then save(wins, admitted, won) end
  redis.call('HSET', item, 'available', available, 'admissions', admissions)
  redis.call('HINCRBY', item, 'claimed', taken)
  local keepMs = math.max(tonumber(g[4]) - now, 0) + 3600000
  for _, key in ipairs({claims, pending, buyers, wins}) do redis.call('PEXPIRE', key, keepMs) end
end
reply[3] = available
if available == 0 and window == 0 then
  reply[5] = cooling > 0 and math.min(coolUntil - now, ${SOLD_OUT_FLAG_MS}) or ${SOLD_OUT_FLAG_MS}
end
return reply
`;

/**
 * Reports decisions. ARGV: one JSON array with, for each claim, its id, admission (`epoch|number`, or `epoch|` for any
 * number) and verdict: 'confirmed' (the order is committed), 'cancelled' (it never will be: forget the claim) or
 * 'released' (the order was closed: remember the claim, offer its units again). The words are not stored, and a process
 * sends its own script with them, so processes with other words may run beside it. Idempotent; a claim the gate does
 * not know, or knows from another admission, is skipped: a load gives the same numbers again. Answers 0 while loading;
 * else 1 and the places of the reports `epoch|` that were for a gate of another epoch than this.
 */
export const SETTLE_SCRIPT = `${WARM_UP_COOLED}
local series, wins, item, claims, pending, buyers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local s = redis.call('HMGET', series, 'state')
if s[1] == 'loading' then return {0} end
local g = redis.call('HMGET', item, 'epoch', 'winLimit')
local mine = (g[1] or '') .. '|'
local now = clock()
local back = 0
local winLimit = tonumber(g[2])
local reports = cjson.decode(ARGV[1])
local confirmed = {}
local reply = {1}
for i = 1, #reports, 3 do
  local id, admission, verdict = reports[i], reports[i + 1], reports[i + 2]
  local anyNumber = string.sub(admission, -1) == '|'
  -- A live order needs no sweeping, under whichever admission its claim is noted.
  if verdict == 'confirmed' then confirmed[#confirmed + 1] = id
  elseif anyNumber and admission ~= mine then reply[#reply + 1] = (i + 2) / 3 end
  local record = g[1] and verdict ~= 'confirmed' and redis.call('HGET', claims, id)
  if record then
    local q, buyer, number = string.match(record, '^(%d+)|(.*)|(%d+)$')
    if admission == mine .. (anyNumber and '' or number) then
      redis.call('ZREM', pending, id)
      local quantity = tonumber(q)
      if quantity > 0 then
        back = back + quantity
        if redis.call('HINCRBY', buyers, buyer, -quantity) <= 0 then redis.call('HDEL', buyers, buyer) end
        if winLimit > 0 and redis.call('HINCRBY', wins, buyer, -1) <= 0 then redis.call('HDEL', wins, buyer) end
      end
      if verdict == 'cancelled' then redis.call('HDEL', claims, id)
      else redis.call('HSET', claims, id, '0|' .. buyer .. '|' .. number) end
    end
  end
end
if #confirmed > 0 then redis.call('ZREM', pending, unpack(confirmed)) end
if back > 0 then
  local _, cooling = cooled(item, now)
  if cooling == 0 then redis.call('HSET', item, 'coolUntil', now + ${SOLD_OUT_FLAG_MS}) end
  redis.call('HINCRBY', item, 'cooling', back)
  redis.call('HINCRBY', item, 'claimed', -back)
end
return reply
`;

/** Begins a load. ARGV: epoch. Answers 1, or the gate's epoch and 0 when that is this epoch or a later one: {0, epoch}. */
export const LOAD_BEGIN_SCRIPT = `
local current = redis.call('HGET', KEYS[1], 'epoch')
if current and tonumber(current) >= tonumber(ARGV[1]) then return {0, current} end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'state', 'loading')
return 1
`;

/**
 * One chunk of a load. ARGV: epoch, kind, then values. Kinds: 'item' (field, value… of the item hash, whose claims are
 * emptied first), 'claims' (claim id, note, buyer, quantity…), 'wins' (buyer, wins…), 'open' (milliseconds to keep the
 * series keys). Answers 0 when a later load has taken over.
 */
export const LOAD_CHUNK_SCRIPT = `
local series, wins, item, claims, pending, buyers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
if redis.call('HGET', series, 'epoch') ~= ARGV[1] then return 0 end
local kind = ARGV[2]
if kind == 'item' then
  redis.call('DEL', item, claims, pending, buyers)
  redis.call('HSET', item, 'epoch', ARGV[1], unpack(ARGV, 4))
  for _, key in ipairs({item, claims, pending, buyers}) do redis.call('PEXPIRE', key, ARGV[3]) end
elseif kind == 'claims' then
  for i = 4, #ARGV, 4 do
    redis.call('HSET', claims, ARGV[i], ARGV[i + 1])
    if tonumber(ARGV[i + 3]) > 0 then redis.call('HINCRBY', buyers, ARGV[i + 2], ARGV[i + 3]) end
  end
  redis.call('PEXPIRE', claims, ARGV[3])
  redis.call('PEXPIRE', buyers, ARGV[3])
elseif kind == 'wins' then
  redis.call('HSET', wins, unpack(ARGV, 4))
  redis.call('PEXPIRE', wins, ARGV[3])
elseif kind == 'open' then
  redis.call('HSET', series, 'state', 'open')
  redis.call('PEXPIRE', series, ARGV[3])
end
return 1
`;

/** Stops or resumes items that follow one another in one call each. ARGV: 'open' or 'stopped'. */
export const SET_STATE_SCRIPT = `
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HSET', KEYS[3], 'state', ARGV[1]) end
return 1
`;

/** For conservation checks: {epoch, state, available + cooling, claimed, (claim id, note)… of pending claims}. */
export const VIEW_SCRIPT = `
local series, item, claims, pending = KEYS[1], KEYS[3], KEYS[4], KEYS[5]
local s = redis.call('HGET', series, 'state')
local g = redis.call('HMGET', item, 'epoch', 'state', 'available', 'cooling', 'claimed')
if not g[1] then return {} end
local reply = {g[1], s == 'open' and g[2] or 'loading', g[3] + g[4], g[5]}
for _, id in ipairs(redis.call('ZRANGE', pending, 0, 9999)) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', claims, id) or '0||0'
end
return reply
`;

/** Claims pending for longer than ARGV[1] ms, at most ARGV[2]: {epoch, (claim id, note)…}, or {} for an unknown item. */
export const STALE_PENDING_SCRIPT = `${WARM_UP_COOLED}
local epoch = redis.call('HGET', KEYS[3], 'epoch')
if not epoch then return {} end
local ids = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', clock() - tonumber(ARGV[1]), 'LIMIT', 0, ARGV[2])
local reply = {epoch}
for _, id in ipairs(ids) do
  local note = redis.call('HGET', KEYS[4], id)
  if note then
    reply[#reply + 1] = id
    reply[#reply + 1] = note
  else
    redis.call('ZREM', KEYS[5], id)
  end
end
return reply
`;

/**
 * The facts for a local sold-out flag: {flagMs, note of a claim…}; flagMs 0: the item is not sold out, or has more
 * claims than ARGV[2] allows to copy. ARGV: epoch, most claims.
 */
export const SOLD_OUT_SCRIPT = `${WARM_UP_COOLED}
local g = redis.call('HMGET', KEYS[3], 'epoch', 'state')
if g[1] ~= ARGV[1] or g[2] ~= 'open' then return {0} end
local now = clock()
local available, cooling, coolUntil = cooled(KEYS[3], now)
if available > 0 or redis.call('HLEN', KEYS[4]) > tonumber(ARGV[2]) then return {0} end
local reply = redis.call('HVALS', KEYS[4])
table.insert(reply, 1, cooling > 0 and math.min(coolUntil - now, ${SOLD_OUT_FLAG_MS}) or ${SOLD_OUT_FLAG_MS})
return reply
`;
