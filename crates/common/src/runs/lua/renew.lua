-- Renews places; one that was lost meanwhile is taken again, whether there is room or not: its session lives.
-- KEYS[i] the sessions of an account; ARGV[1] life in ms, ARGV[i + 1] one of its sessions.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], now + ARGV[1], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return #KEYS
