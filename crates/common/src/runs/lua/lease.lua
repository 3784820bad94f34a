-- Takes one of an account's places for a session, if there is one. Time is the server's: runners' clocks may differ.
-- KEYS[1] the account's sessions, by the moment at which each expires; ARGV[1] session, ARGV[2] places, ARGV[3] life in ms,
-- ARGV[4]… sessions that have ended.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
-- All live equally long, so the newest is the last to expire.
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
