-- ARGV: 7 cost, 8 id, 9 for how many milliseconds it may stay open.
-- Returns {outcome, remaining}: 1 taken, 0 too few, -1 outdated.
local ledger = learn()
if not ledger then
  return {-1, 0}
end
local cost = tonumber(ARGV[7])
local reservation = ARGV[8] .. ':' .. ARGV[7]
if redis.call('ZSCORE', KEYS[2], reservation) then
  write(ledger)
  return {1, remaining(ledger)}
end
if remaining(ledger) < cost then
  write(ledger)
  return {0, remaining(ledger)}
end
ledger.reserved = ledger.reserved + cost
redis.call('ZADD', KEYS[2], now() + tonumber(ARGV[9]), reservation)
redis.call('ZADD', KEYS[3], 0, ARGV[6])
write(ledger)
return {1, remaining(ledger)}
