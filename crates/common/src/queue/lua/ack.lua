-- Forgets an entry: PostgreSQL has decided about it.
-- KEYS[1] stream, KEYS[2] marker; ARGV[1] group, ARGV[2] entry.
local n = redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
return n
