#!lua name=microblog_timelines_VERSION
-- Atomic operations on timelines: each reads a timeline's list and changes it in one step.
--
-- A timeline is a list of entries, newest first. An entry is a post id (16 bytes) and an author (8), so entries sort
-- as post ids do. The last element may be a mark instead; its length differs from an entry's:
--   E                            complete: the list holds the whole history
--   B token(16) changes(8)       building: a rebuild is in progress, and the list may have holes
-- A list without a mark is partial: it holds every entry down to its last one, and older entries are in the post
-- store alone. A partial list always has an entry, since its last one is the bound; an empty complete list is just E.
--
-- Calls that change a timeline carry a deadline in the server's time, and do nothing after it: a call whose caller
-- has timed out may still wait in a socket's buffer, and must not overwrite later changes.
--
-- Live timelines (stores/redis/live.py) have three more keys. `live:listeners` is the set of the timelines that
-- readers follow, by the timelines' keys; on a cluster each bucket has its own, with its hash tag. `live:leases` says
-- until when, and `live:<user>` is a stream of what happened to the timeline since: p (an entry was pushed), d (a post
-- was deleted), r (the list changed otherwise), a (a token was revoked), o (the log begins). A timeline is in the set
-- exactly as long as its log lacks nothing, so all of them are changed together.
--
-- stores/redis/timelines.py passes the limits. String comparison uses the server's locale; start-up refuses any but C
-- (stores/redis/server.py). VERSION is the digest of this code without comment lines, so workers of two releases each
-- call their own functions.

local ENTRY, BUILDING, COMPLETE, NONE = 24, 25, 'E', ''
-- Values per unpack(): they go on Lua's stack, which holds some 8,000.
local CHUNK = 1000
-- insert() looks at so many entries from the head before it searches the list.
local NEAR = 8

-- Adds a deadline (µs) as the last argument of a function. After the deadline the function returns false.
local function in_time(change)
  return function(keys, args)
    local now = redis.call('TIME')
    if now[1] * 1000000 + now[2] > tonumber(args[#args]) then return false end
    return change(keys, args)
  end
end

local LISTENERS, LEASES, LOG, CHANNEL = 'listeners', 'leases', 'live:', 'live:wake'
-- Entries of a log, to within a node of the stream.
local LOGGED = 256

-- Returns the prefix of the keys that the timelines of a bucket share: `live:` on a single server.
local function live_prefix(key)
  return LOG .. (key:match('^timeline:({%d+}:)') or '')
end

local function log_of(key)
  return LOG .. key:sub(10)
end

-- Returns 1 or 0 for each key, nil where no timeline of the bucket is followed: that is one command for a call.
-- On a cluster a slot may be moving, and these keys be elsewhere already: then the second value is true.
local function listening(keys)
  local listeners = live_prefix(keys[1]) .. LISTENERS
  local there = redis.pcall('EXISTS', listeners)
  if there == 0 then return nil, false end
  local heard = there == 1 and redis.pcall('SMISMEMBER', listeners, unpack(keys)) or there
  if heard.err then return nil, true end
  return heard, false
end

-- Appends to a timeline's log. Returns whether that failed, because the slot is moving.
local function log(key, kind, value)
  local logged = redis.pcall('XADD', log_of(key), 'NOMKSTREAM', 'MAXLEN', '~', LOGGED, '*', kind, value)
  return type(logged) == 'table' and logged.err ~= nil
end

-- Wakes those who follow these timelines.
local function wake(keys)
  redis.call('PUBLISH', CHANNEL, table.concat(keys, ' '))
end

-- Tells those who follow a timeline that its list changed other than by a push.
local function unsettle(key)
  local heard, moving = listening({ key })
  if heard and heard[1] == 1 then moving = log(key, 'r', '') end
  if moving or heard and heard[1] == 1 then wake({ moving and '!' .. key or key }) end
end

-- Restarts the time to live at a read. Skips the write while less than a thirtieth of it has passed.
local function touch(key, ttl)
  if redis.call('PTTL', key) < ttl * 29 / 30 then redis.call('PEXPIRE', key, ttl) end
end

-- Returns the index of the first element <= `bound`, or `n` where all are above. A mark is below every entry.
-- Exponential search from the head, where late entries belong; then binary search; then one LRANGE of the last eight
-- elements, because one call costs as much as reading eight.
local function place(key, n, bound)
  local low, high, probe = 0, n, 7
  while probe < high do
    local element = redis.call('LINDEX', key, probe)
    if #element ~= ENTRY or element <= bound then high = probe else low = probe + 1 end
    probe = probe * 4 + 1
  end
  while high - low > 8 do
    local middle = math.floor((low + high) / 2)
    local element = redis.call('LINDEX', key, middle)
    if #element ~= ENTRY or element <= bound then high = middle else low = middle + 1 end
  end
  local left = low < high and redis.call('LRANGE', key, low, high - 1) or {}
  for i = 1, #left do
    if #left[i] ~= ENTRY or left[i] <= bound then return low + i - 1 end
  end
  return high
end

-- Inserts a late entry. Returns the new length; 0 where the entry exists or is below a partial list's tail.
-- Nearly all late entries are late by a few places, so one LRANGE and one LINSERT do in place of five calls.
local function insert(key, entry)
  local near = redis.call('LRANGE', key, 0, NEAR - 1)
  for i = 1, #near do
    local below = near[i]
    if #below ~= ENTRY or below <= entry then
      if below == entry then return 0 end
      return redis.call('LINSERT', key, 'BEFORE', below, entry)
    end
  end
  local n = redis.call('LLEN', key)
  local at = place(key, n, entry)
  if at == n then return 0 end
  local below = redis.call('LINDEX', key, at)
  if below == entry then return 0 end
  return redis.call('LINSERT', key, 'BEFORE', below, entry)
end

-- Trims a list. A complete list becomes partial. A building one stays building: only `finish` knows of no holes.
local function trim(key, n, kept, most)
  local tail = redis.call('LINDEX', key, -1)
  if n - (#tail == ENTRY and 0 or 1) <= most then return end
  redis.call('LTRIM', key, 0, kept - 1)
  if #tail == BUILDING then redis.call('RPUSH', key, tail) end
end

-- args: entry, entries to keep, entries above which to trim. Returns how many timelines took the entry, how many are
-- cold, and how many took it below a newer entry.
local function push(keys, args)
  local call, entry, kept, most = redis.call, args[1], tonumber(args[2]), tonumber(args[3])
  local taken, cold, late = 0, 0, 0
  local heard, moving = listening(keys)
  local woken = {}
  for i = 1, #keys do
    local key, n = keys[i], 0
    local head = call('LINDEX', key, 0)
    if not head then
      cold = cold + 1
    elseif head ~= entry then
      if #head ~= ENTRY or entry > head then
        n = call('LPUSH', key, entry)
      else
        n = insert(key, entry)
        if n > 0 then late = late + 1 end
      end
      if n > 0 then
        taken = taken + 1
        if heard and heard[i] == 1 then
          moving = log(key, 'p', entry) or moving
          woken[#woken + 1] = key
        end
      end
      if n > most then trim(key, n, kept, most) end
    end
  end
  if moving then wake({ '!' .. keys[1] }) elseif woken[1] then wake(woken) end
  return { taken, cold, late }
end

-- Returns the entries and the mark (NONE for a partial list); nil for a cold timeline.
local function read(key)
  local entries = redis.call('LRANGE', key, 0, -1)
  local n = #entries
  if n == 0 then return nil end
  local mark = NONE
  if #entries[n] ~= ENTRY then
    mark = entries[n]
    entries[n] = nil
  end
  return entries, mark
end

-- Replaces entries and mark. Appends the new ones before it trims the old ones, so the key keeps its expiry.
local function rewrite(key, entries, mark)
  local old = redis.call('LLEN', key)
  if mark ~= NONE then entries[#entries + 1] = mark end
  if #entries == 0 then return redis.call('DEL', key) end
  for i = 1, #entries, CHUNK do
    redis.call('RPUSH', key, unpack(entries, i, math.min(i + CHUNK - 1, #entries)))
  end
  redis.call('LTRIM', key, old, -1)
end

-- Writes only what differs, so a repeat costs no replication.
local function save(key, before, mark_before, entries, mark)
  local same = #entries == #before
  for i = 1, #entries do
    if not same then break end
    same = entries[i] == before[i]
  end
  if not same then
    rewrite(key, entries, mark)
    return unsettle(key)
  end
  if mark == mark_before then return end
  if mark == NONE then redis.call('RPOP', key) else redis.call('LSET', key, -1, mark) end
end

local function changed(mark)
  if #mark ~= BUILDING then return mark end
  return mark:sub(1, 17) .. struct.pack('>I8', struct.unpack('>I8', mark, 18) + 1)
end

-- Merges two descending sequences without duplicates: the newest `kept`, none below `floor`. `added` is one string.
local function union(entries, added, floor, kept)
  local out, n, i, at = {}, 0, 1, 1
  local a, b = entries[1] or '', added:sub(1, ENTRY)
  while n < kept do
    local top = a > b and a or b
    if top == '' or top < floor then break end
    n = n + 1
    out[n] = top
    if b == top then
      at = at + ENTRY
      b = added:sub(at, at + ENTRY - 1)
    end
    if a == top then
      i = i + 1
      a = entries[i] or ''
    end
  end
  return out
end

-- args: entries to keep, entries newest first. The caller passes all entries or the newest `kept`, so older ones may
-- exist below a full list: a complete list stays complete only while it is shorter.
local function merge(keys, args)
  local key, kept = keys[1], tonumber(args[1])
  local before, mark = read(key)
  if not before then return 1 end
  -- Below a partial list's tail other authors' entries are missing, so nothing is added there.
  local entries = union(before, args[2], mark == NONE and before[#before] or '', kept)
  local after = changed(mark)
  if mark == COMPLETE and #entries >= kept then after = NONE end
  save(key, before, mark, entries, after)
  return 1
end

-- args: author. Deletes a partial list that loses all entries: it is cold then, and the next read rebuilds it.
local function purge(keys, args)
  local before, mark = read(keys[1])
  if not before then return 1 end
  local entries = {}
  for _, entry in ipairs(before) do
    if entry:sub(17) ~= args[1] then entries[#entries + 1] = entry end
  end
  save(keys[1], before, mark, entries, changed(mark))
  return 1
end

-- args: mark, time to live. Returns 1 where the timeline was cold and was created.
local function create(keys, args)
  if redis.call('EXISTS', keys[1]) == 1 then return 0 end
  redis.call('RPUSH', keys[1], args[1])
  redis.call('PEXPIRE', keys[1], args[2])
  return 1
end

-- args: token of the builder that is presumed dead, new token, time to live. Returns the new mark; NONE where that
-- builder does not own the list.
local function takeover(keys, args)
  local key = keys[1]
  local tail = redis.call('LINDEX', key, -1)
  if not tail or #tail ~= BUILDING or tail:sub(2, 17) ~= args[1] then return NONE end
  local mark = 'B' .. args[2] .. tail:sub(18)
  redis.call('LSET', key, -1, mark)
  touch(key, tonumber(args[3]))
  return mark
end

-- args: entries to keep, the mark that must be there, entries newest first, whether they are the whole history ("1"),
-- time to live. Entries that are not the whole history are complete down to the last one; older ones are removed.
local function finish(keys, args)
  local key, kept, whole = keys[1], tonumber(args[1]), args[4] == '1'
  if redis.call('LINDEX', key, -1) ~= args[2] then return 0 end
  local before, mark = read(key)
  local entries = union(before, args[3], whole and '' or args[3]:sub(-ENTRY), kept)
  -- A full list may have been trimmed during the rebuild.
  save(key, before, mark, entries, whole and #entries < kept and COMPLETE or NONE)
  touch(key, tonumber(args[5]))
  return 1
end

local function tail_of(keys)
  return redis.call('LINDEX', keys[1], -1)
end

-- args: post id ('' for the head), limit, time to live. Returns the last element's length and the entries.
local function older(keys, args)
  local key, limit, at = keys[1], tonumber(args[2]), 0
  local tail = redis.call('LINDEX', key, -1)
  if not tail then return false end
  local n = redis.call('LLEN', key)
  if args[1] == '' then touch(key, tonumber(args[3])) else at = place(key, n, args[1]) end
  local last = math.min(at + limit, #tail == ENTRY and n or n - 1) - 1
  return { #tail, last < at and {} or redis.call('LRANGE', key, at, last) }
end

-- args: post id, limit. Returns as `older`; false where the id is below a partial list's tail, since entries between
-- the two may be missing.
local function newer(keys, args)
  local key, limit = keys[1], tonumber(args[2])
  local tail = redis.call('LINDEX', key, -1)
  if not tail or (#tail == ENTRY and args[1] < tail:sub(1, 16)) then return false end
  -- The highest entry with that id: the author follows the id, and a prefix sorts below its extensions.
  local at = place(key, redis.call('LLEN', key), args[1] .. ('\255'):rep(8))
  local first = math.max(at - limit, 0)
  return { #tail, at <= first and {} or redis.call('LRANGE', key, first, at - 1) }
end

-- Ends the leases that have lapsed, with their logs.
local function end_leases(prefix, now)
  local lapsed = redis.call('ZRANGEBYSCORE', prefix .. LEASES, '-inf', now, 'LIMIT', 0, CHUNK)
  for i = 1, #lapsed do
    redis.call('ZREM', prefix .. LEASES, lapsed[i])
    redis.call('SREM', prefix .. LISTENERS, lapsed[i])
    redis.call('DEL', log_of(lapsed[i]))
  end
end

-- args: lease (ms). Begins or renews the leases of timelines of one bucket. Returns for each the id of the newest entry
-- of its log; a log that was not kept up since it began is begun anew.
local function listen(keys, args)
  local prefix, lease = live_prefix(keys[1]), tonumber(args[1])
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  end_leases(prefix, now)
  local newest = {}
  for i = 1, #keys do
    local key, log_key = keys[i], log_of(keys[i])
    redis.call('ZADD', prefix .. LEASES, now + lease, key)
    if redis.call('SADD', prefix .. LISTENERS, key) == 1 or redis.call('EXISTS', log_key) == 0 then
      redis.call('DEL', log_key)
      redis.call('XADD', log_key, '*', 'o', '')
    end
    redis.call('PEXPIRE', log_key, 2 * lease)
    newest[i] = redis.call('XREVRANGE', log_key, '+', '-', 'COUNT', 1)[1][1]
  end
  -- After the logs, so that no log outlives the set.
  redis.call('PEXPIRE', prefix .. LISTENERS, 2 * lease)
  redis.call('PEXPIRE', prefix .. LEASES, 2 * lease)
  return newest
end

-- args: kind, value of a log's entry. Tells those who follow the timelines; returns how many are followed.
local function announce(keys, args)
  local heard, moving = listening(keys)
  local woken = {}
  for i = 1, heard and #keys or 0 do
    if heard[i] == 1 then
      moving = log(keys[i], args[1], args[2]) or moving
      woken[#woken + 1] = keys[i]
    end
  end
  if moving then wake({ '!' .. keys[1] }) elseif woken[1] then wake(woken) end
  return #woken
end

local function warm(keys)
  local answer = {}
  for i = 1, #keys do answer[i] = redis.call('EXISTS', keys[i]) end
  return answer
end

local function register(name, callback, ...)
  redis.register_function({ function_name = 'timeline_' .. name .. '_VERSION', callback = callback, flags = { ... } })
end

register('push', in_time(push))
register('merge', in_time(merge))
register('purge', in_time(purge))
register('create', in_time(create))
register('takeover', in_time(takeover))
register('finish', in_time(finish))
register('listen', listen)
register('announce', announce)
register('older', older)
register('tail', tail_of, 'no-writes')
register('newer', newer, 'no-writes')
register('warm', warm, 'no-writes')
