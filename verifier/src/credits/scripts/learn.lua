-- Returns {1, then the ledger's fields in their order}, or {-1} when outdated.
local ledger = learn()
if not ledger then
  return {-1}
end
write(ledger)
if ledger.reserved > 0 or math.min(ledger.used, ledger.granted) > ledger.booked then
  redis.call('ZADD', KEYS[3], 0, ARGV[6])
else
  redis.call('ZREM', KEYS[3], ARGV[6])
end
local answer = {1}
for _, field in ipairs(FIELDS) do
  answer[#answer + 1] = ledger[field]
end
return answer
