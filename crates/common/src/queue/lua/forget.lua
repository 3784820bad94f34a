-- Removes consumers that hold nothing: the one named by ARGV[2] ('' for none), and those idle for longer than ARGV[3] ms.
-- A consumer that holds entries is left alone: deleting it would lose them.
-- KEYS[1] stream; ARGV[1] group.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local gone = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local fields = {}
  for i = 1, #info, 2 do fields[info[i]] = info[i + 1] end
  if fields.pending == 0 and (fields.name == ARGV[2] or fields.idle > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], fields.name)
    gone = gone + 1
  end
end
return gone
