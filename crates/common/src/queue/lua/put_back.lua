-- Gives an entry that this reader holds back to all readers, as a new entry. Nothing if it is no longer this reader's:
-- then somebody else has taken it over.
-- KEYS[1] stream, KEYS[2] marker; ARGV[1] group, ARGV[2] consumer, ARGV[3] entry, ARGV[4] submission, ARGV[5] attempt,
-- ARGV[6] the marker's life in ms.
local mine = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])
if #mine == 0 then return 0 end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
local entry = redis.call('XADD', KEYS[1], '*', 'job', ARGV[4], 'attempt', ARGV[5])
redis.call('SET', KEYS[2], entry, 'PX', ARGV[6])
return 1
