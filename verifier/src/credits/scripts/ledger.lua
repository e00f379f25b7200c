-- The rules of ledger.rs inside the server, where nothing comes between reading
-- and writing. Put before each of the operations.
--
-- KEYS: 1 the ledger (hash), 2 its reservations (sorted set of "id:cost" by the
-- time at which they count as used), 3 the entitlements with something to book.
-- ARGV: 1 created_at, 2 generation, 3 slot, 4 granted, 5 booked, 6 entitlement.
-- Every number is below 2^53, which a Lua number holds exactly.

local FIELDS = {'created_at', 'generation', 'slot', 'granted', 'booked', 'used', 'reserved'}

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function cost_of(reservation)
  return tonumber(string.match(reservation, ':(%d+)$'))
end

local function read()
  local found = redis.call('HMGET', KEYS[1], unpack(FIELDS))
  if not found[1] then
    return nil
  end
  local ledger = {}
  for index, field in ipairs(FIELDS) do
    ledger[field] = tonumber(found[index])
  end
  return ledger
end

local function write(ledger)
  local values = {}
  for _, field in ipairs(FIELDS) do
    values[#values + 1] = field
    values[#values + 1] = ledger[field]
  end
  redis.call('HSET', KEYS[1], unpack(values))
end

-- Reservations that nobody ended in time are used: whoever made them is gone.
local function expire(ledger)
  local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now(), 'LIMIT', 0, 1000)
  for _, reservation in ipairs(over) do
    local cost = cost_of(reservation)
    redis.call('ZREM', KEYS[2], reservation)
    ledger.reserved = ledger.reserved - cost
    ledger.used = ledger.used + cost
  end
end

local function begin(view)
  redis.call('DEL', KEYS[2])
  return {
    created_at = view.created_at, generation = view.generation, slot = view.slot,
    granted = view.granted, booked = view.booked, used = view.booked, reserved = 0,
  }
end

-- The ledger after what the chain says; nil when the reading is of an earlier life.
local function learn()
  local view = {
    created_at = tonumber(ARGV[1]), generation = tonumber(ARGV[2]), slot = tonumber(ARGV[3]),
    granted = tonumber(ARGV[4]), booked = tonumber(ARGV[5]),
  }
  local ledger = read()
  if not ledger then
    return begin(view)
  end
  if view.created_at ~= ledger.created_at or view.generation ~= ledger.generation then
    local later = view.created_at > ledger.created_at
      or (view.created_at == ledger.created_at and view.generation > ledger.generation)
    if later then
      return begin(view)
    end
    return nil
  end
  if view.slot >= ledger.slot then
    ledger.slot = view.slot
    ledger.granted = view.granted
  end
  ledger.booked = math.max(ledger.booked, view.booked)
  ledger.used = math.max(ledger.used, ledger.booked)
  expire(ledger)
  return ledger
end

local function remaining(ledger)
  return math.max(0, ledger.granted - ledger.used - ledger.reserved)
end
