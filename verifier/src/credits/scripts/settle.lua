-- Does not learn: ARGV 3 to 5 mean nothing here. ARGV: 7 cost, 8 id, 9 'commit' or
-- 'release'. Returns 1 when the reservation was open.
local ledger = read()
if not ledger or ledger.created_at ~= tonumber(ARGV[1])
  or ledger.generation ~= tonumber(ARGV[2]) then
  return 0
end
if redis.call('ZREM', KEYS[2], ARGV[8] .. ':' .. ARGV[7]) == 0 then
  return 0
end
local cost = tonumber(ARGV[7])
ledger.reserved = ledger.reserved - cost
if ARGV[9] == 'commit' then
  ledger.used = ledger.used + cost
end
write(ledger)
return 1
