"""The steps in Redis that must not be seen half done, in Redis' own language (Lua).

Of an unfinished job its key holds the name of its entry in the stream, and has no end; of a finished one it holds the
document, and expires. Each step may be sent again when its answer was lost, and then changes nothing.
"""

SUBMIT = """
-- stream, job : capacity, id, request, callback, submitted
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
local entry = redis.call('XADD', KEYS[1], '*',
    'id', ARGV[2], 'request', ARGV[3], 'callback', ARGV[4], 'submitted', ARGV[5])
redis.call('SET', KEYS[2], entry)
return 1
"""

FINISH = """
-- stream, job : group, entry, document, ttl in ms, channel, id, whether the entry is kept
-- The first outcome stays; one that comes after it has expired finds nothing, and is dropped too.
local known = redis.call('GET', KEYS[2])
local first = known == ARGV[2] or known == ARGV[3]
if known == ARGV[2] then
    redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
    redis.call('PUBLISH', ARGV[5], ARGV[6])
end
-- Who finished it first but has still to send the callback keeps the entry.
if not known or ARGV[7] == '0' then
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
    redis.call('XDEL', KEYS[1], ARGV[2])
end
return first and 1 or 0
"""

ACKNOWLEDGE = """
-- stream : group, entry
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
"""

LOOK = """
-- stream, job : group
local known = redis.call('GET', KEYS[2])
if not known or string.sub(known, 1, 1) == '{' then return known end
local held = redis.call('XPENDING', KEYS[1], ARGV[1], known, known, 1)
return #held > 0 and 'running' or 'queued'
"""

CLAIM = """
-- stream : group, consumer, lease in ms, cursor, limit
-- Returns the next cursor and the entries whose consumer has let the lease run out, each with its number of deliveries.
local claimed = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local entries = {}
for _, entry in ipairs(claimed[2]) do
    if entry and entry[2] then
        local held = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)
        entries[#entries + 1] = {entry[1], entry[2], held[1][4]}
    end
end
return {claimed[1], entries}
"""

WAITING = """
-- stream : group
return redis.call('XLEN', KEYS[1]) - redis.call('XPENDING', KEYS[1], ARGV[1])[1]
"""

LEAVE = """
-- stream : group, consumer, who stands for nobody, lease in ms
-- Removing a consumer would remove what it holds, so that is handed over first: with a lease that has run out, and as
-- if it had not been handed out, because nobody died with it.
repeat
    local held = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])
    for _, entry in ipairs(held) do
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, entry[1],
            'IDLE', ARGV[4], 'RETRYCOUNT', entry[4] - 1, 'JUSTID')
    end
until #held == 0
return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
"""

ALL = (SUBMIT, FINISH, ACKNOWLEDGE, LOOK, CLAIM, WAITING, LEAVE)
